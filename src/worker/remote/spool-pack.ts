import { Buffer } from "node:buffer";
import { type FileHandle, open, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { Failure, systemErrorCode } from "../../diagnostics/failure.ts";

const writeBufferBytes = 256 * 1024;
const readAtOnceBytes = 1024 * 1024;

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

  async read(offset: number, sizeBytes: number): Promise<Readable> {
    if (sizeBytes === 0) return Readable.from([]);
    if (sizeBytes > readAtOnceBytes) {
      const end = offset + sizeBytes - 1;
      return this.#handle.createReadStream({ start: offset, end, autoClose: false });
    }
    const content = Buffer.allocUnsafe(sizeBytes);
    for (let at = 0; at < sizeBytes; ) {
      const { bytesRead } = await this.#handle.read(content, at, sizeBytes - at, offset + at);
      if (bytesRead === 0) throw new Error(`the spool file ${this.#path} is shorter than its index`);
      at += bytesRead;
    }
    return Readable.from([content]);
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
