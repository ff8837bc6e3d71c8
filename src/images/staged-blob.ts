import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { type Sha256Digest, sha256Digest } from "../model/identifiers.ts";
import { storeTrouble } from "./image-failures.ts";

/** A blob's name and size. */
export interface BlobIdentity {
  readonly digest: Sha256Digest;
  readonly sizeBytes: number;
}

/** A blob on its way into a store: written, then sealed, then kept or (by disposal) dropped. */
export class StagedBlob implements AsyncDisposable {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #finalPath: (digest: Sha256Digest) => string;
  #hash: Hash = createHash("sha256");
  #sizeBytes = 0;
  #state: "open" | "sealed" | "gone" = "open";
  #identity: BlobIdentity | undefined;

  constructor(path: string, handle: FileHandle, finalPath: (digest: Sha256Digest) => string) {
    this.#path = path;
    this.#handle = handle;
    this.#finalPath = finalPath;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** @throws Failure `NoSpaceLeft`, `ClientFileUnwritable` */
  async write(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk);
    try {
      for (let written = 0; written < chunk.byteLength; ) {
        const { bytesWritten } = await this.#handle.write(
          chunk,
          written,
          chunk.byteLength - written,
          this.#sizeBytes,
        );
        written += bytesWritten;
        this.#sizeBytes += bytesWritten;
      }
    } catch (error) {
      throw storeTrouble(this.#path, error);
    }
  }

  /** Forgets what was written so far. */
  async restart(): Promise<void> {
    await this.#handle.truncate(0);
    this.#hash = createHash("sha256");
    this.#sizeBytes = 0;
  }

  /** Ends writing. */
  async seal(): Promise<BlobIdentity> {
    if (this.#identity !== undefined) return this.#identity;
    this.#identity = { digest: hashDigest(this.#hash), sizeBytes: this.#sizeBytes };
    await this.#handle.close();
    this.#state = "sealed";
    return this.#identity;
  }

  /** The first bytes or all bytes of a sealed blob. */
  async readStart(maximumBytes: number): Promise<Uint8Array> {
    const handle = await open(this.#path);
    try {
      const buffer = Buffer.alloc(Math.min(maximumBytes, this.#sizeBytes));
      let filled = 0;
      while (filled < buffer.byteLength) {
        const { bytesRead } = await handle.read(buffer, filled, buffer.byteLength - filled, filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return buffer.subarray(0, filled);
    } finally {
      await handle.close();
    }
  }

  /** Puts the sealed blob into the store under its digest. */
  async keep(): Promise<void> {
    const { digest } = await this.seal();
    if (this.#state === "gone") return;
    await rename(this.#path, this.#finalPath(digest));
    this.#state = "gone";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === "gone") return;
    if (this.#state === "open") await this.#handle.close();
    await rm(this.#path, { force: true });
    this.#state = "gone";
  }
}

export function digestOf(bytes: Uint8Array): Sha256Digest {
  return hashDigest(createHash("sha256").update(bytes));
}

export function hashDigest(hash: Hash): Sha256Digest {
  return sha256Digest(`sha256:${hash.digest("hex")}`);
}
