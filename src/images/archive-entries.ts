import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { posix } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { type Extract, extract, type Header } from "tar-stream";
import { Failure } from "../diagnostics/failure.ts";
import type { ContentStore } from "./content-store.ts";
import { cancelled, imageCorrupt, imageUnreadable, isSystemError } from "./image-failures.ts";
import type { ImageFiles } from "./image-files.ts";
import { maximumLayerBytes } from "./manifest.ts";
import type { StagedBlob } from "./staged-blob.ts";

/** Tars from before the format had a name, too: they have checksums as all have. The option is not in the package's types. */
const anyTar: NonNullable<Parameters<typeof extract>[0]> & { readonly allowUnknownFormat: true } = {
  allowUnknownFormat: true,
};

const maximumEntries = 100_000;
const maximumLinks = 8;

type EntryContent = AsyncIterable<unknown> & { resume(): unknown };

export interface StageArchiveOptions {
  readonly store: ContentStore;
  readonly onProgress: (doneBytes: number, totalBytes: number) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * The files of a tar archive (gzipped or not), staged in a content store in one pass. Names are only ever looked up, never
 * used as paths on this host. Dispose it: what was not kept is removed.
 */
export class StagedArchive implements ImageFiles, AsyncDisposable {
  readonly #path: string;
  readonly #files = new Map<string, StagedBlob>();
  readonly #links = new Map<string, string>();

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws Failure `ImageCorrupt`, `ImageUnreadable`, `UnsupportedImageFormat`, `NoSpaceLeft`, `Cancelled` */
  static async read(path: string, options: StageArchiveOptions): Promise<StagedArchive> {
    const archive = new StagedArchive(path);
    try {
      await archive.#readAll(options);
      return archive;
    } catch (error) {
      await archive[Symbol.asyncDispose]();
      if (options.signal?.aborted === true) throw cancelled();
      if (error instanceof Failure) throw error;
      if (isSystemError(error)) throw error;
      throw imageCorrupt(path, error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  async read(name: string, maximumBytes: number): Promise<Uint8Array | undefined> {
    const file = this.#find(name);
    if (file === undefined) return undefined;
    if (file.sizeBytes > maximumBytes) throw imageCorrupt(this.#path, `${name} is too large`);
    return file.readStart(maximumBytes);
  }

  async stage(name: string): Promise<StagedBlob | undefined> {
    return this.#find(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const file of this.#files.values()) await file[Symbol.asyncDispose]();
  }

  /** Older Docker versions save a repeated layer as a link to the first. */
  #find(name: string): StagedBlob | undefined {
    let current = posix.normalize(name);
    for (let links = 0; links < maximumLinks; links += 1) {
      const target = this.#links.get(current);
      if (target === undefined) return this.#files.get(current);
      current = target;
    }
    throw imageCorrupt(this.#path, `${name} is a link that leads nowhere`);
  }

  async #readAll(options: StageArchiveOptions): Promise<void> {
    const entries = extract(anyTar);
    const [taken, fed] = await Promise.allSettled([
      this.#takeAll(entries, options.store),
      feed(this.#path, entries, options)
        .catch((error: unknown) => {
          throw isSystemError(error) ? imageUnreadable(this.#path, error.message, error) : error;
        })
        .finally(() => entries.destroy()),
    ]);
    // Whichever side fails ends the other; a Failure of the taking side is the cause then.
    if (taken.status === "rejected" && taken.reason instanceof Failure) throw taken.reason;
    if (fed.status === "rejected") throw fed.reason;
    if (taken.status === "rejected") throw taken.reason;
  }

  async #takeAll(entries: Extract, store: ContentStore): Promise<void> {
    let count = 0;
    for await (const entry of entries) {
      count += 1;
      if (count > maximumEntries) throw imageCorrupt(this.#path, "it has too many entries");
      await this.#take(entry.header, entry, store);
    }
  }

  async #take(header: Header, content: EntryContent, store: ContentStore): Promise<void> {
    const name = this.#safeName(header.name);
    switch (header.type) {
      case "file":
      case "contiguous-file":
        if (this.#files.has(name) || this.#links.has(name))
          throw imageCorrupt(this.#path, `it holds ${name} twice`);
        this.#files.set(name, await this.#stageContent(name, header.size ?? 0, content, store));
        return;
      case "symlink":
      case "link": {
        const from = header.type === "symlink" ? posix.dirname(name) : ".";
        const target = header.linkname ?? "";
        if (target.startsWith("/")) throw imageCorrupt(this.#path, `${name} links out of it, to ${target}`);
        this.#links.set(name, this.#safeName(posix.join(from, target)));
        content.resume();
        return;
      }
      case "directory":
        content.resume();
        return;
      default:
        throw imageCorrupt(this.#path, `${name} is neither a file nor a directory`);
    }
  }

  async #stageContent(
    name: string,
    sizeBytes: number,
    content: EntryContent,
    store: ContentStore,
  ): Promise<StagedBlob> {
    if (sizeBytes > maximumLayerBytes) throw imageCorrupt(this.#path, `${name} is too large`);
    const staged = await store.stage();
    try {
      for await (const chunk of content) {
        if (!(chunk instanceof Uint8Array)) throw new Error("internal error: a tar entry yields no bytes");
        await staged.write(chunk);
      }
      await staged.seal();
      return staged;
    } catch (error) {
      await staged[Symbol.asyncDispose]();
      throw error;
    }
  }

  #safeName(written: string): string {
    const name = posix.normalize(written).replace(/\/$/, "");
    if (name.startsWith("/") || name === ".." || name.startsWith("../")) {
      throw imageCorrupt(this.#path, `${JSON.stringify(written)} leaves it`);
    }
    return name;
  }
}

async function feed(
  path: string,
  entries: NodeJS.WritableStream,
  options: StageArchiveOptions,
): Promise<void> {
  const { size: totalBytes } = await stat(path);
  let doneBytes = 0;
  const count = new Transform({
    transform(chunk: Uint8Array, _encoding, callback) {
      doneBytes += chunk.byteLength;
      options.onProgress(doneBytes, totalBytes);
      callback(null, chunk);
    },
  });
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const isGzipped = (await compression(path)) === "gzip";
  // Opened last: nobody listens to its errors before the pipeline does.
  const file = createReadStream(path, { highWaterMark: 1 << 18 });
  if (isGzipped) await pipeline(file, count, createGunzip(), entries, signal);
  else await pipeline(file, count, entries, signal);
}

async function compression(path: string): Promise<"none" | "gzip"> {
  const start = Buffer.alloc(6);
  const handle = await open(path);
  try {
    await handle.read(start, 0, start.byteLength, 0);
  } finally {
    await handle.close();
  }
  const other = [
    { name: "zstd", magic: [0x28, 0xb5, 0x2f, 0xfd] },
    { name: "xz", magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a] },
    { name: "bzip2", magic: [0x42, 0x5a, 0x68] },
  ].find(({ magic }) => magic.every((byte, index) => start[index] === byte));
  if (other !== undefined) {
    throw new Failure({
      code: "UnsupportedImageFormat",
      category: "usage",
      message: `${path} is compressed with ${other.name}; lightbox reads plain and gzipped archives`,
      hint: `decompress it first: ${other.name} -d ${path}`,
    });
  }
  return start[0] === 0x1f && start[1] === 0x8b ? "gzip" : "none";
}
