import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { systemErrorCode } from "../diagnostics/failure.ts";
import type { Hasher } from "../graph/keys/hash.ts";
import type { ContentDigest } from "../model/identifiers.ts";
import { type FileFacts, isRacy, sameFacts } from "./file-facts.ts";
import { decodeStatCache, encodeStatCache, type StatCacheColumns } from "./stat-cache-file.ts";

/** An entry that this many saves did not use is dropped. */
const highestAge = 15;
const digestLength = 32;

export interface StatCacheOptions {
  /** Where it is kept; one file per context directory. */
  readonly file: string;
  readonly hasher: Hasher;
  /** The clock; milliseconds since 1970. */
  readonly now?: () => number;
}

interface Entry {
  readonly facts: FileFacts;
  readonly digest: ContentDigest;
}

/**
 * Remembers the digests of files, so that a file whose facts are as they were is not read again.
 *
 * A file that was changed just before it was read could be changed again within the same tick of the clock
 * and look the same afterwards ("racily clean", as git calls it). Such files are not remembered: they are read
 * again next time. The context's file system and this host are taken to agree on the time.
 */
export class StatCache {
  readonly #file: string;
  readonly #hasher: Hasher;
  readonly #openedAtMs: number;
  readonly #stored: StatCacheColumns | undefined;
  /** Where the next file is expected: files are looked up in the order in which they are kept. */
  #expected = 0;
  /** Made when a file is not where it is expected: to fill it takes longer than to look up all files in order. */
  #index: Map<string, number> | undefined;
  readonly #used: Uint8Array;
  readonly #fresh = new Map<string, Entry>();

  private constructor(options: StatCacheOptions, stored: StatCacheColumns | undefined, openedAtMs: number) {
    this.#file = options.file;
    this.#hasher = options.hasher;
    this.#openedAtMs = openedAtMs;
    this.#stored = stored;
    this.#used = new Uint8Array(stored?.paths.length ?? 0);
  }

  /** A missing, damaged or unknown file gives an empty cache. Open it before the first file is looked at. */
  static async open(options: StatCacheOptions): Promise<StatCache> {
    const openedAtMs = (options.now ?? Date.now)();
    let bytes: Buffer | undefined;
    try {
      bytes = readFileSync(options.file);
    } catch (error) {
      // Whatever keeps the cache from being read, its absence only costs time.
      if (systemErrorCode(error) === undefined) throw error;
    }
    const stored = bytes === undefined ? undefined : decodeStatCache(bytes, options.hasher);
    return new StatCache(options, stored, openedAtMs);
  }

  /** The digest of a file that is as it was when it was recorded. */
  find(path: string, facts: FileFacts): ContentDigest | undefined {
    const fresh = this.#fresh.get(path);
    if (fresh !== undefined) return sameFacts(fresh.facts, facts) ? fresh.digest : undefined;
    if (this.#stored === undefined) return undefined;
    const index = this.#find(path, this.#stored.paths);
    if (index === undefined) return undefined;
    const { sizes, mtimes, ctimes, inodes, modes } = this.#stored;
    if (
      sizes[index] !== facts.sizeBytes ||
      mtimes[index] !== facts.mtimeMs ||
      ctimes[index] !== facts.ctimeMs ||
      inodes[index] !== facts.inode ||
      modes[index] !== facts.mode
    ) {
      return undefined;
    }
    this.#used[index] = 1;
    return digestAt(this.#stored, index);
  }

  /** `facts` as they were before and after the file was read. */
  record(path: string, facts: FileFacts, digest: ContentDigest): void {
    if (!isRacy(facts, this.#openedAtMs)) this.#fresh.set(path, { facts, digest });
  }

  /**
   * Writes the cache if anything was recorded, atomically.
   *
   * @throws the system's error; the cache on disk is then as it was
   */
  async save(): Promise<void> {
    if (this.#fresh.size === 0) return;
    const { default: writeFileAtomic } = await import("write-file-atomic");
    const bytes = encodeStatCache(this.#columns(), this.#hasher);
    await mkdir(dirname(this.#file), { recursive: true });
    // Not flushed: after a power cut a damaged cache is an empty one.
    await writeFileAtomic(this.#file, bytes, { fsync: false });
  }

  #find(path: string, paths: readonly string[]): number | undefined {
    if (paths[this.#expected] !== path) {
      this.#index ??= new Map(paths.map((stored, index) => [stored, index]));
      const index = this.#index.get(path);
      if (index === undefined) return undefined;
      this.#expected = index;
    }
    this.#expected += 1;
    return this.#expected - 1;
  }

  /** What was recorded now, and what was there before and is still of use; sorted by path. */
  #columns(): StatCacheColumns {
    const stored = this.#stored;
    const entries = [...this.#fresh].map(([path, { facts, digest }]) => ({ path, facts, digest, age: 0 }));
    const kept = (stored?.paths ?? []).flatMap((path, index) => {
      if (stored === undefined || this.#fresh.has(path)) return [];
      const wasUsed = this.#used[index] === 1;
      const age = stored.ages[index] ?? 0;
      if (!wasUsed && age >= highestAge) return [];
      return { path, ...entryAt(stored, index), age: wasUsed ? 0 : age + 1 };
    });
    const all = [...entries, ...kept].sort((left, right) => (left.path < right.path ? -1 : 1));
    const column = (of: (facts: FileFacts) => number): number[] => all.map(({ facts }) => of(facts));
    return {
      paths: all.map(({ path }) => path),
      sizes: Float64Array.from(column((facts) => facts.sizeBytes)),
      mtimes: Float64Array.from(column((facts) => facts.mtimeMs)),
      ctimes: Float64Array.from(column((facts) => facts.ctimeMs)),
      inodes: Float64Array.from(column((facts) => facts.inode)),
      modes: Uint32Array.from(column((facts) => facts.mode)),
      ages: Uint8Array.from(all.map(({ age }) => age)),
      digests: all.map(({ digest }) => digest).join(""),
    };
  }
}

function digestAt({ digests }: StatCacheColumns, index: number): ContentDigest {
  // 16 bytes in hexadecimal are one; to check each of tens of thousands takes as long as to find them.
  return digests.slice(index * digestLength, (index + 1) * digestLength) as ContentDigest;
}

function entryAt(stored: StatCacheColumns, index: number): Entry {
  return {
    facts: {
      sizeBytes: stored.sizes[index] ?? 0,
      mtimeMs: stored.mtimes[index] ?? 0,
      ctimeMs: stored.ctimes[index] ?? 0,
      inode: stored.inodes[index] ?? 0,
      mode: stored.modes[index] ?? 0,
    },
    digest: digestAt(stored, index),
  };
}
