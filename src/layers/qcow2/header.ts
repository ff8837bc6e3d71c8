import type { FileHandle } from "node:fs/promises";
import {
  type BackingFile,
  type BackingFormat,
  bytesPerL2Table,
  clusterBits,
  clusterBytes,
  clustersFor,
  headerBytes,
  headerExtension,
  imageRefused,
  incompatibleDirty,
  maximumBackingNameBytes,
  maximumDiskBytes,
  maximumFileBytes,
  maximumL1Entries,
  minimumHeaderBytes,
  qcow2Magic,
  qcow2Version,
  refcountOrder,
} from "./format.ts";

/** What a header says and is written with. */
export interface HeaderContent {
  readonly sizeBytes: number;
  readonly backing: BackingFile | null;
  readonly l1Offset: number;
  readonly l1Entries: number;
  readonly refcountTableOffset: number;
  readonly refcountTableClusters: number;
}

/** A header as it was read. */
export interface Qcow2Header extends HeaderContent {
  /** The last writer did not close the image: the reference counts may be wrong. */
  readonly isDirty: boolean;
  /** Where the file ends, measured, not claimed. */
  readonly fileLengthBytes: number;
}

/** Byte offsets of header fields that are changed in place. */
export const headerField = {
  refcountTableOffset: 48,
  refcountTableClusters: 56,
  incompatibleFeatures: 72,
} as const;

/**
 * Reads a header and refuses everything that lightbox does not write itself, whatever its cost to support:
 * encryption, compression, internal snapshots, external data files, extended L2 entries, odd cluster sizes,
 * absolute or protocol backing names, unknown extensions.
 * @throws Failure `LayerImageRefused`
 */
export async function readHeader(file: FileHandle, path = "the image"): Promise<Qcow2Header> {
  const stat = await file.stat();
  if (!stat.isFile()) throw imageRefused(path, "it is not a regular file");
  const buffer = Buffer.alloc(clusterBytes);
  const { bytesRead } = await file.read(buffer, 0, clusterBytes, 0);
  return parseHeader(buffer.subarray(0, bytesRead), stat.size, path);
}

/** The same on the first cluster of a file; pure. @throws Failure `LayerImageRefused` */
export function parseHeader(first: Buffer, fileLengthBytes: number, path: string): Qcow2Header {
  const refuse = (reason: string) => imageRefused(path, reason);
  if (first.length < minimumHeaderBytes) throw refuse("it is too short");
  if (fileLengthBytes > maximumFileBytes) throw refuse("the file is larger than any disk lightbox makes");
  if (first.readUInt32BE(0) !== qcow2Magic) throw refuse("it is not a qcow2 file");
  const expected: readonly [name: string, value: number, wanted: number][] = [
    ["version", first.readUInt32BE(4), qcow2Version],
    ["cluster size (bits)", first.readUInt32BE(20), clusterBits],
    ["encryption", first.readUInt32BE(32), 0],
    ["internal snapshots", first.readUInt32BE(60), 0],
    ["incompatible features (high)", first.readUInt32BE(72), 0],
    ["incompatible features", first.readUInt32BE(76) & ~incompatibleDirty, 0],
    ["autoclear features (high)", first.readUInt32BE(88), 0],
    ["autoclear features", first.readUInt32BE(92), 0],
    ["refcount order", first.readUInt32BE(96), refcountOrder],
  ];
  for (const [name, value, wanted] of expected) {
    if (value !== wanted) throw refuse(`${name} is ${value >>> 0}, not ${wanted}`);
  }
  const length = first.readUInt32BE(100);
  if (length < minimumHeaderBytes || length > 4096 || length % 8 !== 0 || length > first.length) {
    throw refuse(`its header claims ${length} bytes`);
  }
  if (length > minimumHeaderBytes && first.readUInt8(minimumHeaderBytes) !== 0) {
    throw refuse("it is compressed in an unknown way");
  }
  const sizeBytes = readOffset(first, 24);
  if (sizeBytes === 0 || sizeBytes > maximumDiskBytes || sizeBytes % clusterBytes !== 0) {
    throw refuse(`its disk has ${sizeBytes} bytes`);
  }

  const l1Offset = readOffset(first, 40);
  const l1Entries = first.readUInt32BE(36);
  if (l1Entries < Math.ceil(sizeBytes / bytesPerL2Table) || l1Entries > maximumL1Entries) {
    throw refuse(`its L1 table has ${l1Entries} entries`);
  }
  const refcountTableOffset = readOffset(first, 48);
  const refcountTableClusters = first.readUInt32BE(56);
  const tables: readonly [string, number, number][] = [
    ["L1 table", l1Offset, l1Entries * 8],
    ["refcount table", refcountTableOffset, refcountTableClusters * clusterBytes],
  ];
  for (const [name, offset, bytes] of tables) {
    if (offset === 0 || offset % clusterBytes !== 0 || bytes === 0 || offset + bytes > fileLengthBytes) {
      throw refuse(`its ${name} is not inside the file`);
    }
  }
  if (refcountTableClusters > 1 + clustersFor(fileLengthBytes) / 2 ** 20) {
    throw refuse(`its refcount table has ${refcountTableClusters} clusters`);
  }

  const format = readExtensions(first, length, refuse);
  return {
    sizeBytes,
    backing: readBacking(first, format, refuse),
    l1Offset,
    l1Entries,
    refcountTableOffset,
    refcountTableClusters,
    isDirty: (first.readUInt32BE(76) & incompatibleDirty) !== 0,
    fileLengthBytes,
  };
}

type Refuse = (reason: string) => Error;

/** A 64-bit field; what a double cannot hold exactly is larger than any limit, so it is refused as such. */
function readOffset(buffer: Buffer, at: number): number {
  return buffer.readUInt32BE(at) * 2 ** 32 + buffer.readUInt32BE(at + 4);
}

/** The backing format that the extensions name, or null. */
function readExtensions(first: Buffer, start: number, refuse: Refuse): string | null {
  let format: string | null = null;
  let at = start;
  for (;;) {
    if (at + 8 > first.length) throw refuse("its header extensions do not end");
    const kind = first.readUInt32BE(at);
    const length = first.readUInt32BE(at + 4);
    if (kind === headerExtension.end) return format;
    if (length > first.length - at - 8) throw refuse("a header extension is longer than the header");
    if (kind === headerExtension.backingFormat) {
      if (format !== null) throw refuse("it names two backing formats");
      format = first.toString("latin1", at + 8, at + 8 + length);
    } else if (kind !== headerExtension.featureNames) {
      throw refuse(`it has the unknown header extension 0x${kind.toString(16)}`);
    }
    at += 8 + Math.ceil(length / 8) * 8;
  }
}

function readBacking(first: Buffer, format: string | null, refuse: Refuse): BackingFile | null {
  const offset = readOffset(first, 8);
  const length = first.readUInt32BE(16);
  if (offset === 0) {
    if (format !== null) throw refuse("it names a backing format but no backing file");
    return null;
  }
  if (length === 0 || length > maximumBackingNameBytes || offset + length > first.length) {
    throw refuse("its backing file name is not inside the header");
  }
  if (format !== "qcow2" && format !== "raw") throw refuse(`its backing format is ${format ?? "not named"}`);
  const bytes = first.subarray(offset, offset + length);
  const path = bytes.toString("utf8");
  if (!Buffer.from(path).equals(bytes)) throw refuse("its backing file name is not UTF-8");
  const reason = backingNameProblem(path);
  if (reason !== undefined) throw refuse(`its backing file name ${JSON.stringify(path)} ${reason}`);
  return { path, format };
}

/**
 * Why a backing name must not be opened, or undefined. QEMU and its relatives take far more than file names
 * there (`json:{…}`, `nbd://…`, `host_device:/dev/sda`): anything with a colon is refused.
 */
export function backingNameProblem(name: string): string | undefined {
  if (name.startsWith("/")) return "is absolute";
  if (name.includes(":")) return "names a protocol";
  if (name.includes("\\") || [...name].some((character) => character < " " || character === "\x7f")) {
    return "has characters that no name of ours has";
  }
  return undefined;
}

/** The bytes of a header, extensions and backing name included. */
export function encodeHeader(content: HeaderContent): Buffer {
  const extensions = encodeExtensions(content.backing?.format ?? null);
  const name = Buffer.from(content.backing?.path ?? "");
  if (name.length > maximumBackingNameBytes) throw new Error("internal error: backing name too long");
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32BE(qcow2Magic, 0);
  header.writeUInt32BE(qcow2Version, 4);
  if (name.length > 0) writeOffset(header, 8, headerBytes + extensions.length);
  header.writeUInt32BE(name.length, 16);
  header.writeUInt32BE(clusterBits, 20);
  writeOffset(header, 24, content.sizeBytes);
  header.writeUInt32BE(content.l1Entries, 36);
  writeOffset(header, 40, content.l1Offset);
  writeOffset(header, headerField.refcountTableOffset, content.refcountTableOffset);
  header.writeUInt32BE(content.refcountTableClusters, headerField.refcountTableClusters);
  header.writeUInt32BE(refcountOrder, 96);
  header.writeUInt32BE(headerBytes, 100);
  return Buffer.concat([header, extensions, name]);
}

function encodeExtensions(format: BackingFormat | null): Buffer {
  const end = Buffer.alloc(8);
  if (format === null) return end;
  const padded = Buffer.alloc(8 + Math.ceil(format.length / 8) * 8);
  padded.writeUInt32BE(headerExtension.backingFormat, 0);
  padded.writeUInt32BE(format.length, 4);
  padded.write(format, 8, "latin1");
  return Buffer.concat([padded, end]);
}

export function writeOffset(buffer: Buffer, at: number, value: number): void {
  buffer.writeUInt32BE(Math.floor(value / 2 ** 32), at);
  buffer.writeUInt32BE(value >>> 0, at + 4);
}
