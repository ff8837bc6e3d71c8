import pLimit from "p-limit";
import type { Sha256Digest } from "../../model/identifiers.ts";
import type { ContentStore } from "../content-store.ts";
import { imageCorrupt } from "../image-failures.ts";
import type { BlobProgress } from "../image-progress.ts";
import type { LoadedImage } from "../loaded-image.ts";
import {
  checkManifest,
  checkPlatform,
  type Descriptor,
  maximumConfigBytes,
  parseImageConfig,
  parseManifest,
  selectPlatform,
} from "../manifest.ts";
import type { Platform } from "../platform.ts";
import { manifestSelector, type RegistryReference } from "../reference.ts";
import { RegistryClient } from "./client.ts";
import type { RegistryOptions } from "./options.ts";

export interface RegistryImageOptions {
  readonly store: ContentStore;
  readonly platform: Platform;
  readonly signal: AbortSignal | undefined;
  readonly registry: RegistryOptions | undefined;
}

const maximumIndexDepth = 4;
/** Registries dislike more, and one connection seldom fills the line. */
const parallelBlobs = 3;

/**
 * Asks a registry what a reference means. Only the manifest and the config are fetched.
 * @throws Failure `ImageNotFound`, `RegistryLoginRequired`, `RegistryUnreachable`, `RegistryRefused`, `ImageCorrupt`,
 *   `NoMatchingPlatform`, `UnsupportedImageFormat`, `NoSpaceLeft`, `Cancelled`
 */
export async function resolveInRegistry(
  reference: RegistryReference,
  options: RegistryImageOptions,
): Promise<LoadedImage> {
  const client = new RegistryClient(reference, options.registry ?? {}, options.signal);
  const what = reference.written;
  let selector = manifestSelector(reference);
  for (let depth = 0; depth < maximumIndexDepth; depth += 1) {
    const { bytes, digest } = await client.fetchManifest(selector);
    const manifest = parseManifest(bytes, `image ${what}`);
    if (manifest.kind === "index") {
      selector = selectPlatform(manifest, options.platform, what).digest;
      continue;
    }
    const config = parseImageConfig(
      await readConfig(client, manifest.config, options, what),
      `the config of ${what}`,
    );
    checkPlatform(config, options.platform, what);
    checkManifest(manifest, config, `image ${what}`);
    await options.store.add(bytes);
    return { digest, config };
  }
  throw imageCorrupt(`image ${what}`, "its indexes are nested too deeply");
}

/**
 * Fetches blobs of an image; `missing` is null when not even its manifest is there.
 * @throws Failure as {@link resolveInRegistry}
 */
export async function fetchFromRegistry(
  reference: RegistryReference,
  digest: Sha256Digest,
  missing: readonly Descriptor[] | null,
  options: RegistryImageOptions & { readonly onProgress: (blob: BlobProgress) => void },
): Promise<void> {
  const { store, onProgress } = options;
  // One blob that fails ends the others.
  const others = new AbortController();
  const signal =
    options.signal === undefined ? others.signal : AbortSignal.any([options.signal, others.signal]);
  const client = new RegistryClient(reference, options.registry ?? {}, signal);
  const blobs = missing ?? (await fetchManifestAgain(client, reference, digest, options));
  for (const blob of blobs) onProgress({ digest: blob.digest, doneBytes: 0, totalBytes: blob.sizeBytes });
  const limit = pLimit(parallelBlobs);
  const distinct = [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
  let firstError: unknown;
  await Promise.allSettled(
    distinct.map((blob) =>
      limit(async () => {
        if (signal.aborted) return;
        try {
          await client.fetchBlob(blob, store, (doneBytes) =>
            onProgress({ digest: blob.digest, doneBytes, totalBytes: blob.sizeBytes }),
          );
        } catch (error) {
          firstError ??= error;
          others.abort();
        }
      }),
    ),
  );
  if (firstError !== undefined) throw firstError;
}

async function fetchManifestAgain(
  client: RegistryClient,
  reference: RegistryReference,
  digest: Sha256Digest,
  { store }: RegistryImageOptions,
): Promise<readonly Descriptor[]> {
  const what = `image ${reference.written}`;
  const { bytes } = await client.fetchManifest(digest);
  const manifest = parseManifest(bytes, what);
  if (manifest.kind === "index") throw imageCorrupt(what, `${digest} is an index`);
  await store.add(bytes);
  const missing: Descriptor[] = [];
  for (const blob of [manifest.config, ...manifest.layers])
    if (!(await store.isIntact(blob))) missing.push(blob);
  return missing;
}

async function readConfig(
  client: RegistryClient,
  config: Descriptor,
  { store }: RegistryImageOptions,
  what: string,
): Promise<Uint8Array> {
  if (config.sizeBytes > maximumConfigBytes) throw imageCorrupt(`image ${what}`, "its config is too large");
  const known = await store.read(config.digest, maximumConfigBytes);
  if (known !== undefined) return known;
  await client.fetchBlob(config, store, () => undefined);
  const fetched = await store.read(config.digest, maximumConfigBytes);
  if (fetched === undefined)
    throw imageCorrupt(`image ${what}`, "its config disappears from the store while it is read");
  return fetched;
}
