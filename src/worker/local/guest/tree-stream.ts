import type { Owner } from "./users.ts";

/** One entry of a tree as guest-helper/tree-stream.c reads and writes it. */
export interface TreeEntry {
  readonly kind: "directory" | "directory-end" | "file" | "symlink" | "hard-link" | "pipe" | "other";
  /** Relative to the tree; '' is the tree itself. */
  readonly path: string;
  /** Of a symlink its target, of a hard link a path in the tree; otherwise ''. */
  readonly link: string;
  readonly mode: number;
  readonly owner: Owner;
  readonly sizeBytes: number;
  /** Null: the time of the writing. */
  readonly modifiedMs: number | null;
  /** Of a directory: one that is there already keeps its owner and mode. */
  readonly keepsExisting?: boolean;
  /** Of a directory: a link in its place is in its way, wherever it leads; otherwise one to a directory is followed. */
  readonly refusesLink?: boolean;
}

const kindBytes: Readonly<Record<TreeEntry["kind"], string>> = {
  directory: "d",
  "directory-end": "D",
  file: "f",
  symlink: "l",
  "hard-link": "h",
  pipe: "p",
  other: "o",
};
const kindsByByte = new Map(
  (Object.keys(kindBytes) as TreeEntry["kind"][]).map((kind) => [kindBytes[kind], kind]),
);

/** Of an entry's fixed part, and of the end of a stream. */
export const treeHeaderBytes = 40;
const noTime = 0xffffffff;
const keepsExisting = 1;
const refusesLink = 2;
/** The guest's own limit for a path. */
const longestPathBytes = 4096;

/** What a stream ends with. */
export const treeEnd: Buffer = Buffer.alloc(treeHeaderBytes);

/**
 * The bytes of an entry that come before its content.
 * @returns undefined when the guest could not have such a path
 */
export function treeHeader(entry: TreeEntry): Buffer | undefined {
  const pathBytes = Buffer.byteLength(entry.path);
  const linkBytes = Buffer.byteLength(entry.link);
  if (pathBytes > longestPathBytes || linkBytes > longestPathBytes) return undefined;
  const header = Buffer.allocUnsafe(treeHeaderBytes + pathBytes + linkBytes).fill(0, 0, treeHeaderBytes);
  header.write(kindBytes[entry.kind], 0, "latin1");
  header[1] =
    (entry.keepsExisting === true ? keepsExisting : 0) | (entry.refusesLink === true ? refusesLink : 0);
  header.writeUInt16LE(pathBytes, 2);
  header.writeUInt16LE(linkBytes, 4);
  header.writeUInt16LE(entry.mode & 0o7777, 6);
  header.writeUInt32LE(entry.owner.userId, 8);
  header.writeUInt32LE(entry.owner.groupId, 12);
  header.writeBigUInt64LE(BigInt(entry.sizeBytes), 16);
  const { modifiedMs } = entry;
  const seconds = Math.floor((modifiedMs ?? 0) / 1000);
  header.writeBigInt64LE(BigInt(seconds), 24);
  const nanoseconds = modifiedMs === null ? noTime : Math.floor((modifiedMs - seconds * 1000) * 1_000_000);
  header.writeUInt32LE(nanoseconds, 32);
  header.write(entry.path, treeHeaderBytes);
  header.write(entry.link, treeHeaderBytes + pathBytes);
  return header;
}

/** An entry of a whole stream, with what follows it there. */
export interface ReadTreeEntry {
  readonly entry: TreeEntry;
  /** Empty in a list, whatever the entry's size. */
  readonly content: Buffer;
}

/**
 * The entries of a stream that is here whole.
 * @param holds whether the content of its files is in it
 */
export function* readTreeEntries(
  stream: Buffer,
  holds: "content" | "no content",
): Generator<ReadTreeEntry, void, undefined> {
  for (let at = 0; at + treeHeaderBytes <= stream.length; ) {
    const header = stream.subarray(at, at + treeHeaderBytes);
    const kindByte = header.toString("latin1", 0, 1);
    if (kindByte === "\0") return;
    const kind = kindsByByte.get(kindByte);
    if (kind === undefined) throw new Error(`internal error: an entry of the kind ${kindByte}`);
    const pathEnd = at + treeHeaderBytes + header.readUInt16LE(2);
    const linkEnd = pathEnd + header.readUInt16LE(4);
    const sizeBytes = Number(header.readBigUInt64LE(16));
    const end = linkEnd + (holds === "content" ? sizeBytes : 0);
    const nanoseconds = header.readUInt32LE(32);
    const modifiedMs = Number(header.readBigInt64LE(24)) * 1000 + nanoseconds / 1_000_000;
    const entry: TreeEntry = {
      kind,
      path: stream.toString("utf8", at + treeHeaderBytes, pathEnd),
      link: stream.toString("utf8", pathEnd, linkEnd),
      mode: header.readUInt16LE(6),
      owner: { userId: header.readUInt32LE(8), groupId: header.readUInt32LE(12) },
      sizeBytes,
      modifiedMs: nanoseconds === noTime ? null : modifiedMs,
    };
    yield { entry, content: stream.subarray(linkEnd, end) };
    at = end;
  }
  throw new Error("internal error: the stream of a tree broke off");
}
