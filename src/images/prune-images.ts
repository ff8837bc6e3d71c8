import { stat } from "node:fs/promises";
import { systemErrorCode } from "../diagnostics/failure.ts";
import type { Sha256Digest } from "../model/identifiers.ts";
import type { ImageStore } from "./image-store.ts";
import { maximumManifestBytes, parseManifest } from "./manifest.ts";

export interface PrunedImages {
  readonly freedBytes: number;
  readonly blobs: number;
}

/**
 * Removes blobs that no image needs which a reference means today, such as the layers of an archive that was made anew
 * since. What is removed can be fetched again as long as its origin lasts.
 */
export async function pruneImages(
  store: ImageStore,
  options: { readonly dryRun: boolean },
): Promise<PrunedImages> {
  const needed = new Set<Sha256Digest>();
  for (const digest of await store.resolved.listCurrent()) {
    needed.add(digest);
    const bytes = await store.content.read(digest, maximumManifestBytes);
    const manifest = bytes === undefined ? undefined : parseManifest(bytes, digest);
    if (manifest?.kind !== "manifest") continue;
    for (const blob of [manifest.config, ...manifest.layers]) needed.add(blob.digest);
  }
  let freedBytes = 0;
  let blobs = 0;
  for (const digest of await store.content.list()) {
    if (needed.has(digest)) continue;
    freedBytes += await sizeOf(store.content.blobPath(digest));
    blobs += 1;
    if (!options.dryRun) await store.content.remove(digest);
  }
  return { freedBytes, blobs };
}

/** Zero when another process was faster. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return 0;
    throw error;
  }
}
