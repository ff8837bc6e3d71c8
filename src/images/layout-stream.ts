import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Pack, pack } from "tar-stream";
import { mediaTypes } from "./manifest.ts";
import type { BlobIdentity } from "./staged-blob.ts";

/** A blob that can be opened once its turn has come. */
export interface OpenableBlob extends BlobIdentity {
  open(): Readable;
}

export interface LayoutContent {
  readonly manifest: OpenableBlob;
  readonly manifestMediaType: string;
  /** Config and layers. A blob that is listed twice is written once. */
  readonly blobs: readonly OpenableBlob[];
  /** As `org.opencontainers.image.ref.name`; null: the image has no name. */
  readonly name: string | null;
}

/** `oci-layout` and `index.json` of a layout with one image. */
export function layoutDocuments(content: Omit<LayoutContent, "blobs">): ReadonlyMap<string, string> {
  const annotations = content.name === null ? {} : { "org.opencontainers.image.ref.name": content.name };
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: [
      {
        mediaType: content.manifestMediaType,
        digest: content.manifest.digest,
        size: content.manifest.sizeBytes,
        ...(content.name === null ? {} : { annotations }),
      },
    ],
  };
  return new Map([
    ["oci-layout", JSON.stringify({ imageLayoutVersion: "1.0.0" })],
    ["index.json", JSON.stringify(index)],
  ]);
}

/**
 * An OCI image layout as a tar stream. The same image gives the same bytes. The platform is left out of the index:
 * it was chosen already.
 */
export function layoutStream(content: LayoutContent): Readable {
  const archive = pack();
  void writeEntries(archive, content).catch((error: unknown) => {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  return Readable.from(archive, { objectMode: false, highWaterMark: 1 << 20 });
}

async function writeEntries(archive: Pack, content: LayoutContent): Promise<void> {
  for (const [name, text] of layoutDocuments(content)) archive.entry({ ...plainFile, name }, text);
  const written = new Set<string>();
  for (const blob of [content.manifest, ...content.blobs]) {
    if (written.has(blob.digest)) continue;
    written.add(blob.digest);
    const name = `blobs/${blob.digest.replace(":", "/")}`;
    await pipeline(blob.open(), archive.entry({ ...plainFile, name, size: blob.sizeBytes }));
  }
  archive.finalize();
}

const plainFile = { mode: 0o644, mtime: new Date(0), uid: 0, gid: 0 } as const;
