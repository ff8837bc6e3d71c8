import type { Readable } from "node:stream";
import type { BaseImage } from "../model/base-image.ts";
import { imageCorrupt, imageNotFound, stopIfAborted } from "./image-failures.ts";
import type { BlobProgress, FetchProgress } from "./image-progress.ts";
import type { ImageStore } from "./image-store.ts";
import { layoutStream } from "./layout-stream.ts";
import { inspectLocalImage } from "./local-image.ts";
import { type Descriptor, type ImageManifest, maximumManifestBytes, parseManifest } from "./manifest.ts";
import { parsePlatform } from "./platform.ts";
import { parseRegistryReference } from "./reference.ts";
import type { RegistryOptions } from "./registry/options.ts";
import type { ImageOrigin } from "./resolved-images.ts";
import type { BlobIdentity } from "./staged-blob.ts";

export interface OpenLayoutOptions {
  readonly store: ImageStore;
  readonly onProgress?: (progress: FetchProgress) => void;
  readonly signal?: AbortSignal;
  readonly registry?: RegistryOptions;
}

/** See `openLayout` in image-source.ts, which loads this file when an image has to be handed over. */
export async function openStoredLayout(image: BaseImage, options: OpenLayoutOptions): Promise<Readable> {
  const { content } = options.store;
  let manifest = await readManifest(image, options);
  let missing = manifest === undefined ? null : await findMissing(manifest, options);
  if (manifest === undefined || missing === null || missing.length > 0) {
    await fetchMissing(image, missing, options);
    manifest = await readManifest(image, options);
    missing = manifest === undefined ? null : await findMissing(manifest, options);
  }
  if (manifest === undefined || missing === null || missing.length > 0) {
    throw imageCorrupt(`image ${image.reference}`, "its parts disappear from the store while they are used");
  }
  const bytes = await content.read(image.digest, maximumManifestBytes);
  for (const digest of [
    image.digest,
    manifest.config.digest,
    ...manifest.layers.map((blob) => blob.digest),
  ]) {
    await content.touch(digest);
  }
  const openable = (blob: BlobIdentity) => ({ ...blob, open: () => content.open(blob.digest) });
  return layoutStream({
    manifest: openable({ digest: image.digest, sizeBytes: bytes?.byteLength ?? 0 }),
    manifestMediaType: manifest.mediaType,
    blobs: [manifest.config, ...manifest.layers].map(openable),
    name: null,
  });
}

async function readManifest(
  image: BaseImage,
  { store }: OpenLayoutOptions,
): Promise<ImageManifest | undefined> {
  const bytes = await store.content.read(image.digest, maximumManifestBytes);
  if (bytes === undefined) return undefined;
  const manifest = parseManifest(bytes, `image ${image.reference}`);
  if (manifest.kind === "manifest") return manifest;
  throw new Error(`internal error: ${image.digest} is an index, not one image`);
}

async function findMissing(
  manifest: ImageManifest,
  { store, signal }: OpenLayoutOptions,
): Promise<readonly Descriptor[]> {
  const missing: Descriptor[] = [];
  for (const blob of [manifest.config, ...manifest.layers]) {
    stopIfAborted(signal);
    if (!(await store.content.isIntact(blob))) missing.push(blob);
  }
  return missing;
}

/** `missing` is null when not even the manifest is there. */
async function fetchMissing(
  image: BaseImage,
  missing: readonly Descriptor[] | null,
  options: OpenLayoutOptions,
): Promise<void> {
  const known = await options.store.resolved.findImage(image.digest);
  if (known === undefined) {
    throw imageNotFound(
      `${image.reference} (${image.digest})`,
      "the store has forgotten where it came from: bake with --pull to resolve it again",
    );
  }
  switch (known.origin.kind) {
    case "registry": {
      const { fetchFromRegistry } = await import("./registry/image.ts");
      const reference = { ...parseRegistryReference(known.origin.reference), written: image.reference };
      return fetchFromRegistry(reference, image.digest, missing, {
        store: options.store.content,
        platform: parsePlatform(image.platform),
        onProgress: sumOfBlobs(options.onProgress),
        signal: options.signal,
        registry: options.registry,
      });
    }
    case "local":
      return loadAgain(image, known.origin, options);
    case "scratch": {
      const { makeScratchImage } = await import("./scratch-image.ts");
      await makeScratchImage(options.store.content, parsePlatform(image.platform));
      return;
    }
  }
}

async function loadAgain(
  image: BaseImage,
  origin: Extract<ImageOrigin, { kind: "local" }>,
  options: OpenLayoutOptions,
): Promise<void> {
  const { loadLocalImage } = await import("./archive.ts");
  const missingHint = `${origin.path} is gone, and the worker does not hold the image`;
  const { isFolder } = await inspectLocalImage(origin.path, image.reference, missingHint);
  const loaded = await loadLocalImage({
    path: origin.path,
    isFolder,
    reference: { ...origin, kind: "local", written: image.reference },
    store: options.store.content,
    platform: parsePlatform(image.platform),
    onProgress: (doneBytes, totalBytes) => options.onProgress?.({ doneBytes, totalBytes, blob: null }),
    signal: options.signal,
  });
  if (loaded.digest !== image.digest) {
    throw imageCorrupt(image.reference, "its file has changed since it was resolved", { hint: "bake again" });
  }
}

function sumOfBlobs(report: OpenLayoutOptions["onProgress"]): (blob: BlobProgress) => void {
  const blobs = new Map<string, BlobProgress>();
  return (blob) => {
    blobs.set(blob.digest, blob);
    let doneBytes = 0;
    let totalBytes = 0;
    for (const each of blobs.values()) {
      doneBytes += each.doneBytes;
      totalBytes += each.totalBytes;
    }
    report?.({ doneBytes, totalBytes, blob });
  };
}
