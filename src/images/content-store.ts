import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { systemErrorCode } from "../diagnostics/failure.ts";
import { type Sha256Digest, sha256Digest } from "../model/identifiers.ts";
import { storeTrouble } from "./image-failures.ts";
import { type BlobIdentity, digestOf, hashDigest, StagedBlob } from "./staged-blob.ts";

const staleStagingMs = 24 * 60 * 60 * 1000;

/**
 * Blobs by SHA-256 in a folder: `blobs/sha256/<hex>`, as in an OCI layout. A blob is written beside
 * (`staging/`), hashed on the way, and renamed into place when it is whole. The store is a cache: what is read from it
 * is verified, and what is found damaged is removed, so that it is fetched again.
 */
export class ContentStore {
  readonly folder: string;
  #prepared: Promise<void> | undefined;

  constructor(folder: string) {
    this.folder = folder;
  }

  blobPath(digest: Sha256Digest): string {
    return join(this.#blobs, digest.slice("sha256:".length));
  }

  /** The content of a small blob; undefined when it is missing or damaged. */
  async read(digest: Sha256Digest, maximumBytes: number): Promise<Uint8Array | undefined> {
    const size = await this.#size(digest);
    if (size === undefined || size > maximumBytes) return undefined;
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.open(digest)) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    if (digestOf(bytes) === digest) return bytes;
    await this.remove(digest);
    return undefined;
  }

  /** Reads the whole blob and compares its size and digest; removes it when they differ. */
  async isIntact(blob: BlobIdentity, signal?: AbortSignal): Promise<boolean> {
    const size = await this.#size(blob.digest);
    if (size === undefined) return false;
    if (size === blob.sizeBytes) {
      const hash = createHash("sha256");
      for await (const chunk of createReadStream(this.blobPath(blob.digest), {
        highWaterMark: 1 << 20,
        signal,
      })) {
        hash.update(chunk);
      }
      if (hashDigest(hash) === blob.digest) return true;
    }
    await this.remove(blob.digest);
    return false;
  }

  /** Unverified: call {@link isIntact} first. */
  open(digest: Sha256Digest): Readable {
    return createReadStream(this.blobPath(digest), { highWaterMark: 1 << 20 });
  }

  async add(bytes: Uint8Array): Promise<BlobIdentity> {
    await using writer = await this.stage();
    await writer.write(bytes);
    const identity = await writer.seal();
    await writer.keep();
    return identity;
  }

  async remove(digest: Sha256Digest): Promise<void> {
    await rm(this.blobPath(digest), { force: true });
  }

  /** Remembers that the blob was used now, for `pruneImages`. */
  async touch(digest: Sha256Digest): Promise<void> {
    const now = new Date();
    await utimes(this.blobPath(digest), now, now).catch(ignoreMissing);
  }

  /** Digests of all blobs, whole or damaged. */
  async list(): Promise<readonly Sha256Digest[]> {
    const names = (await readdir(this.#blobs).catch(ignoreMissing)) ?? [];
    return names.filter((name) => /^[0-9a-f]{64}$/.test(name)).map((name) => sha256Digest(`sha256:${name}`));
  }

  /** Names of the blobs that are being written, or were by a process that was killed. */
  async unfinished(): Promise<readonly string[]> {
    await this.#prepare();
    return readdir(this.#staging);
  }

  /**
   * Starts a blob whose digest need not be known yet. Dispose it: what was not kept is removed.
   * @throws Failure `NoSpaceLeft`, `ClientFileUnwritable`
   */
  async stage(): Promise<StagedBlob> {
    try {
      await this.#prepare();
      const path = join(this.#staging, randomUUID());
      return new StagedBlob(path, await open(path, "wx+", 0o644), (digest) => this.blobPath(digest));
    } catch (error) {
      throw storeTrouble(this.folder, error);
    }
  }

  /** Removes the folder of unfinished blobs; what is left is a part of an OCI layout. No blob may be staged after it. */
  async endStaging(): Promise<void> {
    await rm(this.#staging, { recursive: true, force: true });
  }

  get #blobs(): string {
    return join(this.folder, "blobs", "sha256");
  }

  get #staging(): string {
    return join(this.folder, "staging");
  }

  async #size(digest: Sha256Digest): Promise<number | undefined> {
    try {
      return (await stat(this.blobPath(digest))).size;
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  #prepare(): Promise<void> {
    this.#prepared ??= this.#makeFolders();
    return this.#prepared;
  }

  async #makeFolders(): Promise<void> {
    await mkdir(this.#blobs, { recursive: true });
    await mkdir(this.#staging, { recursive: true });
    // Left by a process that was killed; another process may be writing the younger ones.
    const oldest = Date.now() - staleStagingMs;
    for (const name of await readdir(this.#staging)) {
      const path = join(this.#staging, name);
      const found = await stat(path).catch(ignoreMissing);
      if (found !== undefined && found.mtimeMs < oldest) await rm(path, { force: true });
    }
  }
}

function ignoreMissing(error: unknown): undefined {
  if (systemErrorCode(error) !== "ENOENT") throw error;
}
