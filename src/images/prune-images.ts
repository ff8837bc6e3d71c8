import { stat } from "node:fs/promises";
import { systemErrorCode } from "../diagnostics/failure.ts";
import type { Sha256Digest } from "../model/identifiers.ts";
import type { ContentStore } from "./content-store.ts";
import { storeTrouble } from "./image-failures.ts";
import type { ImageStore } from "./image-store.ts";
import { maximumManifestBytes, parseManifest } from "./manifest.ts";

export interface PruneImagesRequest {
  /** Images to keep whole. */
  readonly needed: ReadonlySet<Sha256Digest>;
  /** Remove only what was last used longer ago; null: whatever its age. */
  readonly olderThanMs: number | null;
  readonly dryRun: boolean;
  readonly nowMs: number;
}

export interface PrunedImages {
  readonly freedBytes: number;
  readonly keptBytes: number;
}

/** A bake under way uses blobs that nobody is known to need yet. */
const graceMs = 60 * 60 * 1000;

/**
 * Removes the blobs of images that are not needed any more. They are fetched again, from where the image came from,
 * when a worker has to be given such an image once more.
 * @throws Failure `ClientFileUnwritable`
 */
export async function pruneImages(store: ImageStore, request: PruneImagesRequest): Promise<PrunedImages> {
  try {
    return await removeUnneeded(store, request);
  } catch (error) {
    throw storeTrouble(store.content.folder, error);
  }
}

async function removeUnneeded(
  { content }: ImageStore,
  { needed, olderThanMs, dryRun, nowMs }: PruneImagesRequest,
): Promise<PrunedImages> {
  const blobs = await content.list();
  const kept = await blobsOf(
    blobs.filter((digest) => needed.has(digest)),
    content,
  );
  const youngestMs = nowMs - Math.max(graceMs, olderThanMs ?? 0);
  let freedBytes = 0;
  let keptBytes = 0;
  for (const digest of blobs) {
    const found = await blobState(content.blobPath(digest));
    if (kept.has(digest) || found.usedMs >= youngestMs) {
      keptBytes += found.sizeBytes;
      continue;
    }
    freedBytes += found.sizeBytes;
    if (!dryRun) await content.remove(digest);
  }
  return { freedBytes, keptBytes };
}

/** The images' manifests, configs and layers. */
async function blobsOf(
  images: readonly Sha256Digest[],
  content: ContentStore,
): Promise<ReadonlySet<Sha256Digest>> {
  const blobs = new Set<Sha256Digest>(images);
  for (const digest of images) {
    const bytes = await content.read(digest, maximumManifestBytes);
    const manifest = bytes === undefined ? undefined : parseManifest(bytes, digest);
    if (manifest?.kind !== "manifest") continue;
    for (const blob of [manifest.config, ...manifest.layers]) blobs.add(blob.digest);
  }
  return blobs;
}

/** Nothing, used long ago, when another process was faster. */
async function blobState(path: string): Promise<{ readonly sizeBytes: number; readonly usedMs: number }> {
  try {
    const { size, mtimeMs } = await stat(path);
    return { sizeBytes: size, usedMs: mtimeMs };
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return { sizeBytes: 0, usedMs: 0 };
    throw error;
  }
}
