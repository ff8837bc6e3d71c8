import { posix } from "node:path";
import { Failure } from "../../../diagnostics/failure.ts";
import type { CopyMode } from "../../../model/step-operation.ts";
import { StepRefused } from "../guest/step-refused.ts";
import { type TreeEntry, treeEnd, treeHeader } from "../guest/tree-stream.ts";
import type { Owner } from "../guest/users.ts";
import type { CopyEntry, CopyFile, CopyTree } from "./copy-tree.ts";
import { appliedMode } from "./file-mode.ts";
import { readAhead } from "./read-ahead.ts";

/** Of small files that become one part of the stream. */
const joinedBytes = 64 * 1024;

/** A tree and where it goes. */
export interface PlacedTree {
  readonly tree: CopyTree;
  /** Path of the file or directory that becomes the tree's root, relative to where the stream is unpacked. */
  readonly place: string;
  /** The place is a directory that keeps its owner and mode. */
  readonly keepsRoot: boolean;
}

export interface CopyStreamOptions {
  /** Of everything copied; null: as the source has it. */
  readonly owner: Owner | null;
  readonly mode: CopyMode | null;
  readonly signal: AbortSignal;
}

/**
 * Trees as one stream (see tree-stream.ts). Of each the directories come first, so that one that meets a file, or the
 * other way round, is found before anything is written.
 * @throws through the stream: Failure `ContextChanged`, StepRefused, and what opening a file throws
 */
export async function* copyTreeStream(
  trees: readonly PlacedTree[],
  options: CopyStreamOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const { tree, place, keepsRoot } of trees) {
    const entries = keepsRoot ? tree.entries.filter(({ path }) => path !== "") : tree.entries;
    const treeEntry = (entry: CopyEntry) => streamed(entry, posix.join(place, entry.path), options);
    for (const entry of entries) if (entry.kind === "directory") yield headerOf(treeEntry(entry));
    yield* leaves(entries, treeEntry, options.signal);
    // Last, and the innermost first, because what is written into a directory changes its time.
    for (const entry of entries.toReversed()) {
      if (entry.kind !== "directory" || entry.isImplied || entry.modifiedSeconds === null) continue;
      yield headerOf({ ...treeEntry(entry), kind: "directory-end" });
    }
  }
  yield treeEnd;
}

/** Links and files, those of small files many at a time: each part of a stream costs more than a small file's bytes. */
async function* leaves(
  entries: readonly CopyEntry[],
  treeEntry: (entry: CopyEntry) => TreeEntry,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const entry of entries) if (entry.kind === "symlink") yield headerOf(treeEntry(entry));
  const files = entries.filter((entry) => entry.kind === "file");
  let parts: Uint8Array[] = [];
  let partsBytes = 0;
  for await (const { file, content } of readAhead(files)) {
    signal.throwIfAborted();
    const entry = treeEntry(file);
    const header = headerOf(entry);
    if (content !== null) {
      requireSize(entry, sizeOf(content));
      parts.push(header, ...content);
      partsBytes += header.length + entry.sizeBytes;
    }
    if (content !== null && partsBytes < joinedBytes) continue;
    yield Buffer.concat(parts);
    parts = [];
    partsBytes = 0;
    if (content === null) yield* streamedFile(file, entry, header);
  }
  yield Buffer.concat(parts);
}

async function* streamedFile(
  file: CopyFile,
  entry: TreeEntry,
  header: Uint8Array,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield header;
  let readBytes = 0;
  for await (const chunk of await file.open()) {
    readBytes += chunk.length;
    // The rest of a file that has grown is read all the same: its stream may tell what happened.
    if (readBytes <= file.sizeBytes) yield chunk;
  }
  requireSize(entry, readBytes);
}

function sizeOf(content: readonly Uint8Array[]): number {
  let sizeBytes = 0;
  for (const { length } of content) sizeBytes += length;
  return sizeBytes;
}

/** @throws Failure `ContextChanged` */
function requireSize({ path, sizeBytes }: TreeEntry, readBytes: number): void {
  if (readBytes === sizeBytes) return;
  throw new Failure({
    code: "ContextChanged",
    category: "usage",
    message: `the source of /${path} changed while it was read: ${readBytes} bytes instead of ${sizeBytes}`,
    hint: "bake again when nothing writes to the context",
  });
}

function streamed(entry: CopyEntry, path: string, options: CopyStreamOptions): TreeEntry {
  const { kind, modifiedSeconds } = entry;
  const common = {
    kind,
    // A join makes "." of nothing.
    path: path === "." ? "" : path,
    owner: options.owner ?? entry.owner,
    modifiedMs: modifiedSeconds === null ? null : modifiedSeconds * 1000,
  };
  switch (entry.kind) {
    case "file": {
      const mode = appliedMode(options.mode, entry.mode, false);
      return { ...common, link: "", mode, sizeBytes: entry.sizeBytes };
    }
    case "directory": {
      const mode = appliedMode(options.mode, entry.mode, true);
      return { ...common, link: "", mode, sizeBytes: 0, keepsExisting: entry.isImplied, refusesLink: true };
    }
    case "symlink":
      return { ...common, link: entry.target, mode: 0o777, sizeBytes: 0 };
  }
}

function headerOf(entry: TreeEntry): Buffer {
  const header = treeHeader(entry);
  if (header !== undefined) return header;
  throw new StepRefused(
    "GuestFileRefused",
    `${entry.path.slice(0, 60)}…: the path, or where it leads, is too long`,
    "shorten it: the guest takes 4096 bytes",
  );
}
