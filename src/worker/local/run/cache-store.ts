import { createHash, randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, rename, rm, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { syncDirectory, withStorageFailures } from "../../../layers/durable-file.ts";
import type { LayerStore } from "../../../layers/layer-store.ts";
import type { Release } from "../../../layers/lock.ts";
import { ownIdentity } from "../../../layers/process-identity.ts";
import { isMissing, namesIn } from "../../../model/present-files.ts";
import type { CacheMount } from "../../../model/step-operation.ts";
import type { PruneReport, PruneRequest } from "../../worker.ts";

/** Private caches of one id that may be in use at once. */
const mostSlots = 64;

/** First bytes of a cache's file: a line that says what it is of; a tree stream (see tree-stream.ts) follows. */
const firstLine = /^lightbox cache 1 ([\w-]*)$/;
const longestFirstLineBytes = 8 * 1024;

type CacheStoreBase = Pick<LayerStore, "root" | "lock" | "isLocked">;

/**
 * What `--mount=type=cache` keeps on a worker: one file a cache, `caches/<digest of the id>-<slot>.tree`. A step works on
 * a copy in its guest, and only what a step that succeeded left replaces the file, whole, by a rename: a crash at any
 * moment leaves what was there before.
 */
export class CacheStore {
  readonly #store: CacheStoreBase;
  readonly #folder: string;

  constructor(store: CacheStoreBase) {
    this.#store = store;
    this.#folder = join(store.root, "caches");
  }

  /**
   * Takes the cache for one step, as its `sharing` says. Shared ones are not locked: of two steps that have one at the
   * same time, the one that ends last leaves its content.
   */
  async open(
    { id, sharing }: Pick<CacheMount, "id" | "sharing">,
    options: { readonly signal: AbortSignal; readonly onWait: () => void },
  ): Promise<OpenCache> {
    if (sharing === "shared") return this.#cache(id, 0, async () => undefined);
    const slot = sharing === "locked" ? 0 : await this.#freeSlot(id);
    return this.#cache(id, slot, await this.#store.lock(lockName(id, slot), options));
  }

  /** Removes caches, the least recently used first, as far as the request says; locked ones are in use. */
  async prune(request: PruneRequest, layerBytes: number): Promise<PrunedCaches> {
    const all = (await this.#list()).sort((left, right) => left.usedMs - right.usedMs);
    let keptBytes = all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const removed: { id: string; sizeBytes: number }[] = [];
    for (const { path, id, usedMs, sizeBytes } of all) {
      const { olderThanMs, keepStorageBytes } = request;
      if (olderThanMs !== null && usedMs > Date.now() - olderThanMs) continue;
      if (keepStorageBytes !== null && layerBytes + keptBytes <= keepStorageBytes) continue;
      if (await this.#isInUse(path)) continue;
      if (!request.dryRun) await rm(path, { force: true });
      removed.push({ id, sizeBytes });
      keptBytes -= sizeBytes;
    }
    return { removed, keptBytes };
  }

  /** Taken at the same time by another process, it is waited for. */
  async #freeSlot(id: string): Promise<number> {
    for (let slot = 1; slot < mostSlots; slot += 1) {
      if (!(await this.#store.isLocked(lockName(id, slot)))) return slot;
    }
    return mostSlots;
  }

  #cache(id: string, slot: number, release: Release): OpenCache {
    return new OpenCache(
      { id, path: join(this.#folder, `${digestOf(id)}-${slot}.tree`), release },
      this.#store,
    );
  }

  async #isInUse(path: string): Promise<boolean> {
    const name = /([0-9a-f]{32}-\d+)\.tree$/.exec(path)?.[1];
    return name !== undefined && this.#store.isLocked(`cache-${name}`);
  }

  async #list(): Promise<StoredCache[]> {
    const names = (await namesIn(this.#folder)).filter((name) => name.endsWith(".tree"));
    const found = await Promise.all(names.map((name) => readStored(join(this.#folder, name))));
    return found.filter((cache) => cache !== undefined);
  }
}

export interface PrunedCaches {
  readonly removed: PruneReport["caches"];
  readonly keptBytes: number;
}

interface StoredCache {
  readonly path: string;
  readonly id: string;
  readonly usedMs: number;
  readonly sizeBytes: number;
}

interface OpenCacheFields {
  readonly id: string;
  readonly path: string;
  readonly release: Release;
}

/** A cache that a step has. */
export class OpenCache {
  readonly #fields: OpenCacheFields;
  readonly #root: string;

  constructor(fields: OpenCacheFields, store: Pick<LayerStore, "root">) {
    this.#fields = fields;
    this.#root = store.root;
  }

  /** Its content; undefined when there is none. Ends the file when the reader stops. */
  async read(): Promise<AsyncIterable<Uint8Array> | undefined> {
    const { path } = this.#fields;
    const file = await openIfThere(path);
    if (file === undefined) return undefined;
    const line = await readFirstLine(file);
    if (line === undefined) {
      await file.close();
      return undefined;
    }
    const now = new Date();
    await utimes(path, now, now);
    return file.createReadStream({ start: line.sizeBytes });
  }

  /** Forgets content that turned out not to be whole. */
  async forget(): Promise<void> {
    await rm(this.#fields.path, { force: true });
  }

  /** Replaces the content, when all of the stream has come. @throws Failure `NoSpaceLeft` */
  async write(stream: AsyncIterable<Uint8Array>): Promise<void> {
    const { path, id } = this.#fields;
    const folder = dirname(path);
    await withStorageFailures(this.#root, async () => {
      await mkdir(folder, { recursive: true });
      // A name that says whose it is: what a dead process left is swept.
      const own = `${await ownIdentity()}.${randomBytes(8).toString("hex")}`;
      const temporary = join(this.#root, "tmp", own);
      try {
        const file = await open(temporary, "wx");
        try {
          await file.write(`lightbox cache 1 ${Buffer.from(id).toString("base64url")}\n`);
          for await (const chunk of stream) await writeWhole(file, chunk);
          await file.datasync();
        } finally {
          await file.close();
        }
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
      await syncDirectory(folder);
    });
  }

  async close(): Promise<void> {
    await this.#fields.release();
  }
}

async function writeWhole(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function readFirstLine(file: FileHandle): Promise<{ id: string; sizeBytes: number } | undefined> {
  const head = Buffer.alloc(longestFirstLineBytes);
  const { bytesRead } = await file.read(head, 0, head.length, 0);
  const end = head.subarray(0, bytesRead).indexOf(10);
  const text = firstLine.exec(head.toString("utf8", 0, Math.max(end, 0)))?.[1];
  if (end === -1 || text === undefined) return undefined;
  return { id: Buffer.from(text, "base64url").toString("utf8"), sizeBytes: end + 1 };
}

async function readStored(path: string): Promise<StoredCache | undefined> {
  const file = await openIfThere(path);
  if (file === undefined) return undefined;
  try {
    const { blocks, mtimeMs } = await file.stat();
    const id = (await readFirstLine(file))?.id ?? "(damaged cache)";
    return { path, id, usedMs: mtimeMs, sizeBytes: blocks * 512 };
  } finally {
    await file.close();
  }
}

function digestOf(id: string): string {
  return createHash("sha256").update(id).digest("hex").slice(0, 32);
}

function lockName(id: string, slot: number): string {
  return `cache-${digestOf(id)}-${slot}`;
}
