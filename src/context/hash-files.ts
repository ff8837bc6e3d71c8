import { close, constants, createReadStream, fstatSync, open, read } from "node:fs";
import { promisify } from "node:util";
import type { Hasher } from "../graph/keys/hash.ts";
import type { ContentDigest } from "../model/identifiers.ts";
import type { ContextTree } from "./context-tree.ts";
import { ContextTrouble, readTrouble, vanished } from "./context-trouble.ts";
import { fileFacts, sameFacts } from "./file-facts.ts";
import type { StatCache } from "./stat-cache.ts";
import type { FileNode } from "./tree-node.ts";

export interface HashFilesOptions {
  readonly tree: ContextTree;
  readonly hasher: Hasher;
  readonly statCache: StatCache;
  readonly signal: AbortSignal;
}

/** Reads that wait for the disk at the same time. */
const readsAtOnce = 16;
/** Larger files are read in pieces. */
const wholeReadBytes = 4 * 1024 * 1024;
const pieceBytes = 1024 * 1024;

// Plain descriptors: file handles cost several times as much for tens of thousands of small files.
const openFile = promisify(open);
const readInto = promisify(read);
const closeFile = promisify(close);

/** Gives each node its digest, or what is wrong with it. A file that the stat cache knows is not opened. */
export async function hashFiles(nodes: Iterable<FileNode>, options: HashFilesOptions): Promise<void> {
  const unknown: FileNode[] = [];
  for (const node of nodes) {
    if (node.digest !== null) continue;
    node.digest = options.statCache.find(node.path, node.facts) ?? null;
    if (node.digest === null) unknown.push(node);
  }
  const waiting = unknown.values();
  const readAll = async (): Promise<void> => {
    for (const node of waiting) {
      options.signal.throwIfAborted();
      node.digest ??= await digestOrTrouble(node, options);
    }
  };
  await Promise.all(Array.from({ length: Math.min(readsAtOnce, unknown.length) }, readAll));
}

async function digestOrTrouble(
  node: FileNode,
  options: HashFilesOptions,
): Promise<ContentDigest | ContextTrouble> {
  try {
    const digest = await hashFile(node, options);
    options.statCache.record(node.path, node.facts, digest);
    return digest;
  } catch (error) {
    const trouble = readTrouble(node.path, error);
    if (trouble instanceof ContextTrouble) return trouble;
    throw trouble;
  }
}

/** @throws ContextTrouble when the file is not what was selected, before or after it was read */
async function hashFile(node: FileNode, { tree, hasher, signal }: HashFilesOptions): Promise<ContentDigest> {
  // Between selection and now the path may have become a link or a pipe: neither is followed or waited for.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const descriptor = await openFile(tree.hostPath(node.path), flags);
  try {
    requireUnchanged(descriptor, node);
    const digest =
      node.facts.sizeBytes <= wholeReadBytes
        ? await hashWhole(descriptor, node, hasher)
        : await hashInPieces(descriptor, hasher, signal);
    requireUnchanged(descriptor, node);
    return digest;
  } finally {
    await closeFile(descriptor);
  }
}

/** The facts of an open file are in memory: asking for them does not wait for the disk. */
function requireUnchanged(descriptor: number, node: FileNode): void {
  if (!sameFacts(fileFacts(fstatSync(descriptor)), node.facts)) throw vanished(node.path);
}

async function hashWhole(descriptor: number, node: FileNode, hasher: Hasher): Promise<ContentDigest> {
  const buffer = Buffer.allocUnsafe(node.facts.sizeBytes);
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await readInto(descriptor, buffer, filled, buffer.length - filled, filled);
    if (bytesRead === 0) throw vanished(node.path);
    filled += bytesRead;
  }
  return hasher.hashBytes(buffer);
}

async function hashInPieces(descriptor: number, hasher: Hasher, signal: AbortSignal): Promise<ContentDigest> {
  const hash = hasher.start();
  const options = { fd: descriptor, autoClose: false, start: 0, highWaterMark: pieceBytes, signal };
  for await (const piece of createReadStream("", options)) hash.update(piece);
  return hash.digest();
}
