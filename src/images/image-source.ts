import { resolve } from "node:path";
import type { Readable } from "node:stream";
import type { BaseImage } from "../model/base-image.ts";
import type { Evidence } from "../model/evidence.ts";
import { stopIfAborted } from "./image-failures.ts";
import type { ResolveProgress } from "./image-progress.ts";
import type { ImageStore } from "./image-store.ts";
import type { LoadedImage } from "./loaded-image.ts";
import { inspectLocalImage } from "./local-image.ts";
import type { OpenLayoutOptions } from "./open-layout.ts";
import { parsePlatform } from "./platform.ts";
import {
  canonicalReference,
  type LocalReference,
  parseBaseReference,
  type RegistryReference,
} from "./reference.ts";
import type { RegistryOptions } from "./registry/options.ts";
import type { ImageOrigin, ResolvedImage } from "./resolved-images.ts";

export interface ResolveOptions {
  readonly store: ImageStore;
  /** e.g. `linux/amd64`: the worker's. */
  readonly platform: string;
  /** Ask again even when the answer is known. */
  readonly pull: boolean;
  /** Relative paths start here. */
  readonly directory: string;
  readonly onProgress?: (progress: ResolveProgress) => void;
  readonly signal?: AbortSignal;
  readonly registry?: RegistryOptions;
}

export interface ResolvedBase {
  readonly image: BaseImage;
  /** True when nobody was asked: the answer was known from before. */
  readonly remembered: boolean;
  /** While this is as it was, the same answer is given again and nobody is asked. */
  readonly evidence: readonly Evidence[];
}

/**
 * Finds out which image a base reference means. Once it is known, that costs reading one small file: no network,
 * and nothing of an archive but its size and times.
 *
 * @throws Failure `InvalidImageReference`, `ImageNotFound`, `ImageUnreadable`, `RegistryLoginRequired`, `RegistryUnreachable`, `ImageCorrupt`,
 *   `NoMatchingPlatform`, `AmbiguousImage`, `UnsupportedImageFormat`, `NoSpaceLeft`, `Cancelled`
 */
export async function resolveBaseImage(text: string, options: ResolveOptions): Promise<ResolvedBase> {
  const reference = parseBaseReference(text);
  stopIfAborted(options.signal);
  switch (reference.kind) {
    case "scratch":
      return resolveScratch(options);
    case "local":
      return resolveLocal(reference, options);
    case "registry":
      return resolveRegistry(reference, options);
  }
}

/**
 * What {@link resolveBaseImage} says without asking a registry; null when that cannot be said.
 * @throws Failure as {@link resolveBaseImage}
 */
export async function recallBaseImage(
  text: string,
  options: Omit<ResolveOptions, "pull">,
): Promise<ResolvedBase | null> {
  const reference = parseBaseReference(text);
  if (reference.kind !== "registry") return await resolveBaseImage(text, { ...options, pull: false });
  const known = await options.store.resolved.find(canonicalReference(reference), options.platform);
  return known === undefined ? null : recalled(options, reference.written, known.image);
}

/**
 * The image as a tar stream of an OCI layout, for `Worker.importImage`. What the store lacks (or holds damaged) is
 * fetched first, from where the image was resolved.
 *
 * @throws Failure `ImageNotFound`, `ImageUnreadable`, `ImageCorrupt`, `RegistryLoginRequired`, `RegistryUnreachable`, `NoSpaceLeft`, `Cancelled`
 */
export async function openLayout(image: BaseImage, options: OpenLayoutOptions): Promise<Readable> {
  const { openStoredLayout } = await import("./open-layout.ts");
  return openStoredLayout(image, options);
}

async function resolveRegistry(reference: RegistryReference, options: ResolveOptions): Promise<ResolvedBase> {
  const { store, platform } = options;
  const canonical = canonicalReference(reference);
  const known = await store.resolved.find(canonical, platform);
  // What is named by digest cannot change.
  if (known !== undefined && (!options.pull || reference.digest !== null)) {
    return recalled(options, reference.written, known.image);
  }
  options.onProgress?.({ kind: "asking", reference: reference.written });
  const { resolveInRegistry } = await import("./registry/image.ts");
  const loaded = await resolveInRegistry(reference, {
    store: store.content,
    platform: parsePlatform(platform),
    signal: options.signal,
    registry: options.registry,
  });
  const origin = { kind: "registry", reference: canonical } as const;
  return remember(options, { key: canonical, written: reference.written, witness: null, origin, loaded });
}

async function resolveLocal(reference: LocalReference, options: ResolveOptions): Promise<ResolvedBase> {
  const { store, platform, directory } = options;
  const path = resolve(directory, reference.path);
  const missingHint = `there is no ${path}`;
  const { isFolder, witness, evidence } = await inspectLocalImage(path, reference.written, missingHint);
  const key = `${reference.format ?? "local"}:${path}${reference.image === null ? "" : `:${reference.image}`}`;
  const known = await store.resolved.find(key, platform);
  if (known !== undefined && !options.pull && known.reference.witness === witness) {
    return recalled(options, reference.written, known.image, evidence);
  }
  const { loadLocalImage } = await import("./archive.ts");
  const loaded = await loadLocalImage({
    path,
    isFolder,
    reference,
    store: store.content,
    platform: parsePlatform(platform),
    onProgress: (doneBytes, totalBytes) =>
      options.onProgress?.({ kind: "reading", reference: reference.written, doneBytes, totalBytes }),
    signal: options.signal,
  });
  const origin = { kind: "local", path, format: reference.format, image: reference.image } as const;
  return remember(options, { key, written: reference.written, witness, origin, loaded, evidence });
}

async function resolveScratch(options: ResolveOptions): Promise<ResolvedBase> {
  const known = await options.store.resolved.find("scratch", options.platform);
  if (known !== undefined) return recalled(options, "scratch", known.image);
  const { makeScratchImage } = await import("./scratch-image.ts");
  const loaded = await makeScratchImage(options.store.content, parsePlatform(options.platform));
  const origin = { kind: "scratch" } as const;
  return remember(options, { key: "scratch", written: "scratch", witness: null, origin, loaded });
}

async function remember(
  options: ResolveOptions,
  found: {
    readonly key: string;
    readonly written: string;
    readonly witness: string | null;
    readonly origin: ImageOrigin;
    readonly loaded: LoadedImage;
    readonly evidence?: readonly Evidence[];
  },
): Promise<ResolvedBase> {
  const { sandboxConfiguration } = await import("./image-configuration.ts");
  const image: ResolvedImage = {
    digest: found.loaded.digest,
    platform: options.platform,
    configuration: sandboxConfiguration(found.loaded.config),
    origin: found.origin,
  };
  await options.store.resolved.remember(found.key, found.witness, image);
  return { ...recalled(options, found.written, image, found.evidence), remembered: false };
}

function recalled(
  { store }: Pick<ResolveOptions, "store">,
  written: string,
  image: ResolvedImage,
  own: readonly Evidence[] = [],
): ResolvedBase {
  const evidence = [{ kind: "replaced", path: store.resolved.path } as const, ...own];
  return { image: baseImage(written, image), remembered: true, evidence };
}

function baseImage(reference: string, image: ResolvedImage): BaseImage {
  return { reference, digest: image.digest, platform: image.platform, configuration: image.configuration };
}
