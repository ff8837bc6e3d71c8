import * as v from "valibot";
import { Failure } from "../diagnostics/failure.ts";
import type { ContentStore } from "./content-store.ts";
import { imageCorrupt, imageNotFound } from "./image-failures.ts";
import type { ImageFiles } from "./image-files.ts";
import type { LoadedImage } from "./loaded-image.ts";
import {
  checkManifest,
  checkPlatform,
  type Descriptor,
  type ImageIndex,
  maximumConfigBytes,
  maximumManifestBytes,
  parseImageConfig,
  parseIndex,
  parseManifest,
  selectPlatform,
} from "./manifest.ts";
import type { Platform } from "./platform.ts";
import { canonicalReference, parseRegistryReference } from "./reference.ts";
import { digestOf, type StagedBlob } from "./staged-blob.ts";

export interface LoadOptions {
  /** Names the archive or folder in messages. */
  readonly what: string;
  readonly files: ImageFiles;
  readonly store: ContentStore;
  readonly platform: Platform;
  /** Which image of several. */
  readonly image: string | null;
}

const layoutSchema = v.object({ imageLayoutVersion: v.pipe(v.string(), v.regex(/^1\./)) });
const maximumIndexDepth = 8;
const nameAnnotations = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];

/** True when the files are an OCI image layout (image-layout.md of the OCI image specification). */
export async function isOciLayout(files: ImageFiles): Promise<boolean> {
  return (
    (await files.read("oci-layout", 4096)) !== undefined &&
    (await files.read("index.json", maximumManifestBytes)) !== undefined
  );
}

/**
 * Verifies one image of a layout and puts its blobs into the store: all of them, or none.
 * @throws Failure `ImageCorrupt`, `ImageNotFound`, `AmbiguousImage`, `NoMatchingPlatform`, `NoSpaceLeft`
 */
export async function loadOciLayout(options: LoadOptions): Promise<LoadedImage> {
  const { what, files, store } = options;
  await checkLayoutVersion(options);
  const indexBytes = await files.read("index.json", maximumManifestBytes);
  if (indexBytes === undefined) throw imageCorrupt(what, "index.json is missing");
  const { descriptor, bytes } = await findManifest(options, parseIndex(indexBytes, `index.json of ${what}`));
  const manifest = parseManifest(bytes, what);
  if (manifest.kind === "index") throw imageCorrupt(what, "its indexes are nested too deeply");
  const configBytes = await readBlob(options, manifest.config, maximumConfigBytes);
  const config = parseImageConfig(configBytes, `the config of ${what}`);
  checkPlatform(config, options.platform, what);
  checkManifest(manifest, config, what);
  const layers: StagedBlob[] = [];
  for (const layer of manifest.layers) layers.push(await stageLayer(options, layer));
  for (const layer of layers) await layer.keep();
  await store.add(configBytes);
  await store.add(bytes);
  return { digest: descriptor.digest, config };
}

async function checkLayoutVersion({ what, files }: LoadOptions): Promise<void> {
  const bytes = await files.read("oci-layout", 4096);
  if (bytes === undefined) throw imageCorrupt(what, "oci-layout is missing");
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw imageCorrupt(what, "oci-layout is not JSON", { cause });
  }
  if (!v.is(layoutSchema, json)) throw imageCorrupt(what, "it is no OCI image layout of version 1");
}

async function findManifest(
  options: LoadOptions,
  top: ImageIndex,
): Promise<{ readonly descriptor: Descriptor; readonly bytes: Uint8Array }> {
  let index = chooseImage(options, top);
  for (let depth = 0; depth < maximumIndexDepth; depth += 1) {
    if (index.manifests.length === 0) throw imageCorrupt(options.what, "it holds no image");
    const descriptor = selectPlatform(index, options.platform, options.what);
    const bytes = await readBlob(options, descriptor, maximumManifestBytes);
    const manifest = parseManifest(bytes, `manifest ${descriptor.digest} of ${options.what}`);
    if (manifest.kind === "manifest") return { descriptor, bytes };
    index = manifest;
  }
  throw imageCorrupt(options.what, "its indexes are nested too deeply");
}

function chooseImage({ what, image }: LoadOptions, index: ImageIndex): ImageIndex {
  if (image === null) {
    const names = new Set(index.manifests.flatMap((entry) => namesOf(entry).slice(0, 1)));
    if (names.size > 1) throw ambiguousImage(what, [...names]);
    return index;
  }
  const chosen = index.manifests.filter(
    (entry) => entry.digest === image || namesOf(entry).some((name) => sameImageName(name, image)),
  );
  if (chosen.length > 0) return { kind: "index", manifests: chosen };
  throw imageNotInArchive(what, image, index.manifests.flatMap(namesOf));
}

function namesOf(entry: Descriptor): string[] {
  return nameAnnotations.flatMap((key) => {
    const name = entry.annotations[key];
    return name === undefined ? [] : [name];
  });
}

async function stageLayer({ what, files }: LoadOptions, layer: Descriptor): Promise<StagedBlob> {
  const staged = await files.stage(blobName(layer));
  if (staged === undefined) throw imageCorrupt(what, `layer ${layer.digest} is missing`);
  const identity = await staged.seal();
  if (identity.digest !== layer.digest || identity.sizeBytes !== layer.sizeBytes) {
    throw imageCorrupt(what, `layer ${layer.digest} has other content than its digest says`);
  }
  return staged;
}

async function readBlob(
  { what, files }: LoadOptions,
  descriptor: Descriptor,
  maximumBytes: number,
): Promise<Uint8Array> {
  const bytes = await files.read(blobName(descriptor), maximumBytes);
  if (bytes === undefined) throw imageCorrupt(what, `blob ${descriptor.digest} is missing`);
  if (bytes.byteLength !== descriptor.sizeBytes || digestOf(bytes) !== descriptor.digest) {
    throw imageCorrupt(what, `blob ${descriptor.digest} has other content than its digest says`);
  }
  return bytes;
}

function blobName(descriptor: Descriptor): string {
  return `blobs/${descriptor.digest.replace(":", "/")}`;
}

/** Compares names as Docker does: `debian` is `docker.io/library/debian:latest`. */
export function sameImageName(one: string, other: string): boolean {
  return one === other || (canonicalName(one) ?? one) === (canonicalName(other) ?? other);
}

function canonicalName(name: string): string | undefined {
  try {
    return canonicalReference(parseRegistryReference(name));
  } catch (error) {
    // A name in an archive need not be a reference: `v1`, or a bare path.
    if (error instanceof Failure && error.code === "InvalidImageReference") return undefined;
    throw error;
  }
}

export function ambiguousImage(what: string, names: readonly string[]): Failure {
  return new Failure({
    code: "AmbiguousImage",
    category: "usage",
    message: `${what} holds several images: ${names.join(", ")}`,
    hint: `say which one, e.g. oci-archive:FILE:${names[0] ?? "NAME"} (or docker-archive:, oci:)`,
  });
}

export function imageNotInArchive(what: string, image: string, names: readonly string[]): Failure {
  const hint = names.length === 0 ? "its images have no names" : `it holds ${[...new Set(names)].join(", ")}`;
  return imageNotFound(`${image} in ${what}`, hint);
}
