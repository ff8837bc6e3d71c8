import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { ContentStore } from "./content-store.ts";
import { layoutDocuments, layoutStream } from "./layout-stream.ts";
import { mediaTypes } from "./manifest.ts";
import type { Platform } from "./platform.ts";
import type { BlobIdentity } from "./staged-blob.ts";

/** The part of an image's config that says how a container starts, as the OCI image specification spells it. */
export interface ContainerSettings {
  readonly Env?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly WorkingDir?: string;
  readonly User?: string;
  readonly Labels?: Readonly<Record<string, string>>;
}

export interface ImageContent {
  /** Uncompressed tar of the root filesystem: the one layer. It is kept as it comes, so its digest is the layer's. */
  readonly rootfs: AsyncIterable<Uint8Array>;
  readonly settings: ContainerSettings;
  readonly platform: Platform;
}

export interface WrittenImage {
  readonly manifest: BlobIdentity;
  readonly config: BlobIdentity;
  readonly configBytes: Uint8Array;
  readonly layer: BlobIdentity;
}

/**
 * Makes an image of one layer in a content store. The same content gives the same digest: no time, host or user is in it.
 * @throws Failure `NoSpaceLeft`
 */
export async function writeImage(content: ImageContent, store: ContentStore): Promise<WrittenImage> {
  await using staged = await store.stage();
  for await (const chunk of content.rootfs) await staged.write(chunk);
  const layer = await staged.seal();
  await staged.keep();
  const { os, architecture, variant } = content.platform;
  const configBytes = encode({
    architecture,
    ...(variant === null ? {} : { variant }),
    os,
    config: content.settings,
    rootfs: { type: "layers", diff_ids: [layer.digest] },
    // An entry for each layer: buildah builds on no image without.
    history: [{ created_by: "lightbox" }],
  });
  const config = await store.add(configBytes);
  const manifest = await store.add(
    encode({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: descriptor(mediaTypes.ociConfig, config),
      layers: [descriptor(mediaTypes.ociLayer, layer)],
    }),
  );
  return { manifest, config, configBytes, layer };
}

/**
 * Writes an OCI archive: the tar of an OCI layout. The file appears when it is complete.
 * @throws Failure `NoSpaceLeft`
 */
export async function writeOciArchive(
  path: string,
  content: ImageContent,
  name: string | null = null,
): Promise<WrittenImage> {
  const work = `${path}.${randomUUID()}`;
  await mkdir(dirname(path), { recursive: true });
  try {
    const store = new ContentStore(work);
    const image = await writeImage(content, store);
    const openable = (blob: BlobIdentity) => ({ ...blob, open: () => store.open(blob.digest) });
    const archive = layoutStream({
      manifest: openable(image.manifest),
      manifestMediaType: mediaTypes.ociManifest,
      blobs: [openable(image.config), openable(image.layer)],
      name,
    });
    const unfinished = join(work, "archive.tar");
    await pipeline(archive, createWriteStream(unfinished));
    await rename(unfinished, path);
    return image;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Writes an OCI layout folder, which must not exist yet. @throws Failure `NoSpaceLeft` */
export async function writeOciLayout(
  folder: string,
  content: ImageContent,
  name: string | null = null,
): Promise<WrittenImage> {
  await mkdir(folder);
  const store = new ContentStore(folder);
  const image = await writeImage(content, store);
  const openable = { ...image.manifest, open: () => store.open(image.manifest.digest) };
  await store.endStaging();
  for (const [file, text] of layoutDocuments({
    manifest: openable,
    manifestMediaType: mediaTypes.ociManifest,
    name,
  })) {
    await writeFile(join(folder, file), text);
  }
  return image;
}

function descriptor(mediaType: string, blob: BlobIdentity): object {
  return { mediaType, digest: blob.digest, size: blob.sizeBytes };
}

function encode(json: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(json));
}
