import { constants, createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Hasher } from "../graph/hash.ts";
import type { ContentDigest } from "../model/identifiers.ts";
import { readTrouble, vanished } from "./context-tree.ts";
import { ContextTrouble } from "./context-trouble.ts";
import { type FileFacts, fileFacts, sameFacts } from "./file-facts.ts";
import type { StatCache } from "./stat-cache.ts";

export interface FileToHash {
  /** Relative to the context's root. */
  readonly path: string;
  readonly hostPath: string;
  /** As the file was when it was selected. */
  readonly facts: FileFacts;
}

export interface HashFilesOptions {
  readonly hasher: Hasher;
  readonly statCache: StatCache;
  readonly signal: AbortSignal;
}

/** Reads that wait for the disk at the same time. */
const readsAtOnce = 16;
/** Larger files are read in pieces. */
const wholeReadBytes = 4 * 1024 * 1024;

/**
 * The digest of each file by its path, or what is wrong with it. A file that the stat cache knows is not opened.
 */
export async function hashFiles(
  files: readonly FileToHash[],
  { hasher, statCache, signal }: HashFilesOptions,
): Promise<ReadonlyMap<string, ContentDigest | ContextTrouble>> {
  const results = new Map<string, ContentDigest | ContextTrouble>();
  const unknown: FileToHash[] = [];
  for (const file of files) {
    const digest = statCache.find(file.path, file.facts);
    if (digest === undefined) unknown.push(file);
    else results.set(file.path, digest);
  }
  const waiting = unknown.values();
  const readAll = async (): Promise<void> => {
    for (const file of waiting) {
      signal.throwIfAborted();
      try {
        const digest = await hashFile(file, hasher, signal);
        statCache.record(file.path, file.facts, digest);
        results.set(file.path, digest);
      } catch (error) {
        const trouble = readTrouble(file.path, error);
        if (!(trouble instanceof ContextTrouble)) throw trouble;
        results.set(file.path, trouble);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(readsAtOnce, unknown.length) }, readAll));
  return results;
}

/** @throws ContextTrouble when the file is not what was selected, before or after it was read */
async function hashFile(file: FileToHash, hasher: Hasher, signal: AbortSignal): Promise<ContentDigest> {
  // Between selection and now the path may have become a link or a pipe: neither is followed or waited for.
  const handle = await open(file.hostPath, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    await requireUnchanged(handle, file);
    const digest =
      file.facts.sizeBytes <= wholeReadBytes
        ? await hashWhole(handle, file, hasher)
        : await hashInPieces(handle, hasher, signal);
    await requireUnchanged(handle, file);
    return digest;
  } finally {
    await handle.close();
  }
}

async function requireUnchanged(handle: FileHandle, file: FileToHash): Promise<void> {
  if (!sameFacts(fileFacts(await handle.stat()), file.facts)) throw vanished(file.path);
}

async function hashWhole(handle: FileHandle, file: FileToHash, hasher: Hasher): Promise<ContentDigest> {
  const buffer = Buffer.allocUnsafe(file.facts.sizeBytes);
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, filled);
    if (bytesRead === 0) throw vanished(file.path);
    filled += bytesRead;
  }
  return hasher.hashBytes(buffer);
}

async function hashInPieces(handle: FileHandle, hasher: Hasher, signal: AbortSignal): Promise<ContentDigest> {
  const hash = hasher.start();
  const stream = createReadStream("", {
    fd: handle,
    autoClose: false,
    start: 0,
    highWaterMark: 1024 * 1024,
    signal,
  });
  for await (const piece of stream) hash.update(piece);
  return hash.digest();
}
