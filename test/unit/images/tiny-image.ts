import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { type ImageContent, writeOciArchive } from "../../../src/images/layout-writer.ts";
import { mediaTypes } from "../../../src/images/manifest.ts";
import { digestOf } from "../../../src/images/staged-blob.ts";
import type { Sha256Digest } from "../../../src/model/identifiers.ts";

export interface TarFile {
  readonly name: string;
  readonly content?: string | Uint8Array;
  readonly linkname?: string;
  readonly type?: "file" | "symlink" | "link" | "fifo" | "directory";
}

/** A tar archive of the files, as they come: nothing is checked. */
export async function tarOf(files: readonly TarFile[]): Promise<Buffer> {
  const archive = pack();
  for (const { name, content = "", linkname, type = "file" } of files) {
    const header = {
      name,
      type,
      mode: 0o644,
      mtime: new Date(0),
      ...(linkname === undefined ? {} : { linkname }),
    };
    if (type === "file") archive.entry(header, Buffer.from(content));
    else archive.entry(header);
  }
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) if (chunk instanceof Uint8Array) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function tinyContent(text = "hello", architecture = "amd64"): ImageContent {
  const rootfs = (async function* () {
    yield await tarOf([{ name: "greeting", content: text }]);
  })();
  return {
    rootfs,
    settings: { Env: ["GREETING=hi"], Cmd: ["/bin/sh"], WorkingDir: "/srv", User: "1000" },
    platform: { os: "linux", architecture, variant: null },
  };
}

/** An OCI archive whose one layer holds one small file. @returns the digest of its manifest */
export async function writeTinyArchive(
  path: string,
  text = "hello",
  architecture = "amd64",
): Promise<Sha256Digest> {
  return (await writeOciArchive(path, tinyContent(text, architecture))).manifest.digest;
}

export interface TinyImage {
  readonly digest: Sha256Digest;
  readonly manifest: Uint8Array;
  /** Config and layer by digest. */
  readonly blobs: ReadonlyMap<string, Uint8Array>;
  readonly layerDigest: Sha256Digest;
}

/** An image in memory, for a registry to serve; its layer is gzipped as registries have it. */
export async function tinyImage(layerContent: Uint8Array = Buffer.from("hello")): Promise<TinyImage> {
  const tar = await tarOf([{ name: "greeting", content: layerContent }]);
  const layer = gzipSync(tar, { level: 0 });
  const config = Buffer.from(
    JSON.stringify({
      os: "linux",
      architecture: "amd64",
      config: { Env: ["GREETING=hi"] },
      rootfs: { type: "layers", diff_ids: [digestOf(tar)] },
    }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.dockerManifest,
      config: { mediaType: mediaTypes.ociConfig, digest: digestOf(config), size: config.byteLength },
      layers: [{ mediaType: mediaTypes.ociLayerGzip, digest: digestOf(layer), size: layer.byteLength }],
    }),
  );
  const blobs = new Map([config, layer].map((bytes) => [digestOf(bytes) as string, bytes]));
  return { digest: digestOf(manifest), manifest, blobs, layerDigest: digestOf(layer) };
}

/** The names and contents of a tar stream's files. */
export async function readTar(stream: NodeJS.ReadableStream): Promise<ReadonlyMap<string, Buffer>> {
  const { extract } = await import("tar-stream");
  const entries = extract();
  entries.end(await buffer(stream));
  const files = new Map<string, Buffer>();
  for await (const entry of entries) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) if (chunk instanceof Uint8Array) chunks.push(chunk);
    files.set(entry.header.name, Buffer.concat(chunks));
  }
  return files;
}
