import type { Hasher } from "../graph/keys/hash.ts";

/** All that the stat cache's file holds, one array a column: quick to read, nothing to parse per entry. */
export interface StatCacheColumns {
  readonly paths: readonly string[];
  readonly sizes: Float64Array;
  readonly mtimes: Float64Array;
  readonly ctimes: Float64Array;
  readonly inodes: Float64Array;
  readonly modes: Uint32Array;
  /** How many saves ago the entry was last used. */
  readonly ages: Uint8Array;
  /** 32 hex digits each, joined. */
  readonly digests: string;
}

const magic = "LBSTATS\n";
const formatVersion = 1;
/** Magic, version, count, checksum of the rest (16 bytes). */
const headerBytes = 32;
const digestBytes = 16;
const bytesPerEntry = 4 * 8 + 4 + 1 + digestBytes;
const pathSeparator = "\0";

/**
 * Layout, little-endian: header; sizes, mtimes, ctimes, inodes (doubles); modes (u32); ages (u8); digests
 * (16 bytes each); the paths in UTF-8, separated by NUL.
 */
export function encodeStatCache(columns: StatCacheColumns, hasher: Hasher): Buffer {
  const count = columns.paths.length;
  const paths = Buffer.from(columns.paths.join(pathSeparator), "utf8");
  const body = Buffer.concat([
    bytesOf(columns.sizes),
    bytesOf(columns.mtimes),
    bytesOf(columns.ctimes),
    bytesOf(columns.inodes),
    bytesOf(columns.modes),
    bytesOf(columns.ages),
    Buffer.from(columns.digests, "hex"),
    paths,
  ]);
  const header = Buffer.alloc(headerBytes);
  header.write(magic, 0, "latin1");
  header.writeUInt32LE(formatVersion, 8);
  header.writeUInt32LE(count, 12);
  header.write(hasher.hashBytes(body), 16, "hex");
  return Buffer.concat([header, body]);
}

/** Undefined for a file of another version and for one that is damaged in any way. */
export function decodeStatCache(file: Buffer, hasher: Hasher): StatCacheColumns | undefined {
  if (file.length < headerBytes || file.toString("latin1", 0, 8) !== magic) return undefined;
  if (file.readUInt32LE(8) !== formatVersion) return undefined;
  const count = file.readUInt32LE(12);
  const body = file.subarray(headerBytes);
  if (body.length < count * bytesPerEntry) return undefined;
  if (hasher.hashBytes(body) !== file.toString("hex", 16, headerBytes)) return undefined;

  // Typed arrays need aligned memory, which a slice of a file's buffer need not be.
  const memory = new Uint8Array(body).buffer;
  let offset = 0;
  const take = (bytesEach: number): number => {
    const start = offset;
    offset += count * bytesEach;
    return start;
  };
  const sizes = new Float64Array(memory, take(8), count);
  const mtimes = new Float64Array(memory, take(8), count);
  const ctimes = new Float64Array(memory, take(8), count);
  const inodes = new Float64Array(memory, take(8), count);
  const modes = new Uint32Array(memory, take(4), count);
  const ages = new Uint8Array(memory, take(1), count);
  const digestsStart = take(digestBytes);
  const digests = body.toString("hex", digestsStart, offset);
  const paths = count === 0 ? [] : body.toString("utf8", offset).split(pathSeparator);
  if (paths.length !== count) return undefined;
  return { paths, sizes, mtimes, ctimes, inodes, modes, ages, digests };
}

function bytesOf(array: Float64Array | Uint32Array | Uint8Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
