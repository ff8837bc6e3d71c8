import { Buffer } from "node:buffer";
import { type FileHandle, open, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { Failure, systemErrorCode } from "../../diagnostics/failure.ts";

const writeBufferBytes = 256 * 1024;
/** Larger contents are streamed, smaller ones read together with their neighbours. */
const blockBytes = 1024 * 1024;
/** What a stream reads at once. */
const streamedBytes = 256 * 1024;

/** A part of the file in memory, or on its way there. */
interface Block {
  readonly offset: number;
  readonly end: number;
  readonly bytes: Promise<Buffer>;
}

/**
 * One file that holds the contents of one upload, one after the other: 20,000 small files cost one file here,
 * not 20,000. It is never flushed to the medium: the spool does not outlive its server.
 */
export class SpoolPack {
  readonly #path: string;
  readonly #handle: FileHandle;
  #buffered: Buffer[] = [];
  #bufferedBytes = 0;
  #writtenBytes = 0;
  #block: Block = { offset: 0, end: 0, bytes: Promise.resolve(Buffer.alloc(0)) };

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  static async create(path: string): Promise<SpoolPack> {
    return new SpoolPack(path, await open(path, "wx+", 0o600));
  }

  /** @throws Failure `NoSpaceLeft` */
  async append(chunk: Buffer): Promise<void> {
    this.#buffered.push(chunk);
    this.#bufferedBytes += chunk.length;
    if (this.#bufferedBytes >= writeBufferBytes) await this.flush();
  }

  /** Afterwards everything appended can be read. */
  async flush(): Promise<void> {
    const block = Buffer.concat(this.#buffered);
    this.#buffered = [];
    this.#bufferedBytes = 0;
    try {
      for (let at = 0; at < block.length; ) {
        const { bytesWritten } = await this.#handle.write(block, at, block.length - at, this.#writtenBytes);
        at += bytesWritten;
        this.#writtenBytes += bytesWritten;
      }
    } catch (error) {
      throw explainWriteError(error);
    }
  }

  async open(offset: number, sizeBytes: number): Promise<Readable> {
    if (sizeBytes === 0) return Readable.from([]);
    if (sizeBytes <= blockBytes) return Readable.from([await this.read(offset, sizeBytes)]);
    const end = offset + sizeBytes - 1;
    return this.#handle.createReadStream({
      start: offset,
      end,
      autoClose: false,
      highWaterMark: streamedBytes,
    });
  }

  /** Small contents are needed in the order in which they came: one read of the file serves many of them. */
  async read(offset: number, sizeBytes: number): Promise<Buffer> {
    const end = offset + sizeBytes;
    if (offset < this.#block.offset || end > this.#block.end) this.#block = this.#readBlock(offset, end);
    const { offset: start, bytes } = this.#block;
    return (await bytes).subarray(offset - start, end - start);
  }

  /** Those who want a neighbour meanwhile wait for the same block. */
  #readBlock(offset: number, atLeastTo: number): Block {
    const end = Math.max(atLeastTo, Math.min(offset + blockBytes, this.#writtenBytes));
    const bytes = Buffer.allocUnsafe(end - offset);
    return { offset, end, bytes: this.#readFully(bytes, offset).then(() => bytes) };
  }

  async #readFully(bytes: Buffer, offset: number): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesRead } = await this.#handle.read(bytes, at, bytes.length - at, offset + at);
      if (bytesRead === 0) throw new Error(`the spool file ${this.#path} is shorter than its index`);
      at += bytesRead;
    }
  }

  async remove(): Promise<void> {
    await this.#handle.close();
    await rm(this.#path, { force: true });
  }
}

function explainWriteError(error: unknown): unknown {
  const code = systemErrorCode(error);
  if (code !== "ENOSPC" && code !== "EDQUOT") return error;
  return new Failure({
    code: "NoSpaceLeft",
    category: "environment",
    message: "the worker has no space left for the files of the build context",
    hint: "free space on the worker, for instance with `lightbox prune`",
    cause: error,
  });
}
