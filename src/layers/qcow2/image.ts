import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { systemErrorCode } from "../../diagnostics/failure.ts";
import {
  bytesPerL2Table,
  clusterBytes,
  clustersFor,
  compressedFlag,
  copiedFlag,
  entriesPerTable,
  entryOffset,
  imageRefused,
  tableEntryBytes,
  zeroFlag,
} from "./format.ts";
import { type Qcow2Header, readHeader } from "./header.ts";
import { UsedClusters } from "./used-clusters.ts";

/** A run of guest bytes (whole clusters) that an image holds itself. */
export interface ClusterExtent {
  readonly guestOffset: number;
  readonly lengthBytes: number;
  /** Where the bytes are in the file; null: they read as zeros. */
  readonly hostOffset: number | null;
}

/** What an L2 entry says: `undefined`, the backing file has it; null, zeros; else the offset in the file. */
export type ClusterLocation = number | null | undefined;

const cachedTables = 4;

/**
 * One open qcow2 file. Nothing in the file is believed: offsets have to lie inside it, no cluster may be used
 * twice, and at most a few tables are in memory at a time.
 */
export class Qcow2Image implements AsyncDisposable {
  readonly path: string;
  readonly header: Qcow2Header;
  readonly file: FileHandle;
  readonly #l1: Buffer;
  readonly #tables = new Map<number, Buffer>();

  private constructor(path: string, file: FileHandle, header: Qcow2Header, l1: Buffer) {
    this.path = path;
    this.file = file;
    this.header = header;
    this.#l1 = l1;
  }

  /** @throws Failure `LayerImageRefused` */
  static async open(path: string, mode: "r" | "r+" = "r"): Promise<Qcow2Image> {
    const file = await openRegularFile(path, mode);
    try {
      const header = await readHeader(file, path);
      const l1 = Buffer.alloc(header.l1Entries * tableEntryBytes);
      await readFully(file, l1, header.l1Offset);
      return new Qcow2Image(path, file, header, l1);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Number of L2 tables that the disk's size calls for. */
  get tableCount(): number {
    return Math.ceil(this.header.sizeBytes / bytesPerL2Table);
  }

  /** Offset of an L2 table in the file, or null where none is allocated. */
  tableOffset(index: number): number | null {
    const at = index * tableEntryBytes;
    if (at >= this.#l1.length) return null;
    const high = this.#l1.readUInt32BE(at);
    const low = this.#l1.readUInt32BE(at + 4);
    if (high === 0 && low === 0) return null;
    const offset = entryOffset(high, low);
    const reserved = (high & ~copiedFlag & 0x7f000000) !== 0 || (low & 0x1ff) !== 0;
    if (
      reserved ||
      !this.#isOwnCluster(high, offset) ||
      offset + clusterBytes > this.header.fileLengthBytes
    ) {
      throw imageRefused(this.path, `entry ${index} of its L1 table is wrong`);
    }
    return offset;
  }

  /** An L2 table, or null where none is allocated. */
  async table(index: number): Promise<Buffer | null> {
    const known = this.#tables.get(index);
    if (known !== undefined) return known;
    const offset = this.tableOffset(index);
    if (offset === null) return null;
    const table = Buffer.alloc(clusterBytes);
    await readFully(this.file, table, offset);
    const oldest = this.#tables.keys().next();
    if (this.#tables.size >= cachedTables && oldest.done !== true) this.#tables.delete(oldest.value);
    this.#tables.set(index, table);
    return table;
  }

  /** What entry `entry` of L2 table `table` (number `index`) says. */
  locate(table: Buffer | null, entry: number): ClusterLocation {
    if (table === null) return undefined;
    const at = entry * tableEntryBytes;
    const high = table.readUInt32BE(at);
    const low = table.readUInt32BE(at + 4);
    if (high === 0 && low === 0) return undefined;
    const offset = entryOffset(high, low);
    if ((high & compressedFlag) !== 0) throw imageRefused(this.path, "it has compressed clusters");
    if ((high & 0x3f000000) !== 0 || (low & 0x1fe) !== 0) {
      throw imageRefused(this.path, "an L2 table has reserved bits set");
    }
    if (offset === 0) {
      if ((low & zeroFlag) === 0) throw imageRefused(this.path, "an L2 table has an entry without an offset");
      return null;
    }
    // The last cluster may be written in part.
    if (!this.#isOwnCluster(high, offset) || offset >= this.header.fileLengthBytes) {
      throw imageRefused(this.path, "an L2 table points outside of the file or to a shared cluster");
    }
    return (low & zeroFlag) === 0 ? offset : null;
  }

  /**
   * What the image itself holds, in guest order, neighbours joined up to 4 MiB. Each cluster of the file may
   * turn up once only, which bounds the work by the file's length.
   * @throws Failure `LayerImageRefused`
   */
  async *extents(): AsyncGenerator<ClusterExtent> {
    const used = this.claimMetadata();
    let run: { guestOffset: number; lengthBytes: number; hostOffset: number | null } | undefined;
    for (let index = 0; index < this.tableCount; index++) {
      const table = await this.table(index);
      if (table === null) continue;
      for (const { guestOffset, hostOffset } of this.claimEntries(index, table, used)) {
        if (run !== undefined && continues(run, guestOffset, hostOffset)) {
          run.lengthBytes += clusterBytes;
          continue;
        }
        if (run !== undefined) yield run;
        run = { guestOffset, lengthBytes: clusterBytes, hostOffset };
      }
    }
    if (run !== undefined) yield run;
  }

  /** The clusters that an L2 table maps, each claimed. */
  *claimEntries(index: number, table: Buffer, used: UsedClusters): Generator<ClusterExtent> {
    for (let entry = 0; entry < entriesPerTable; entry++) {
      const hostOffset = this.locate(table, entry);
      if (hostOffset === undefined) continue;
      const guestOffset = (index * entriesPerTable + entry) * clusterBytes;
      if (guestOffset >= this.header.sizeBytes) {
        throw imageRefused(this.path, "it has clusters behind the end of its disk");
      }
      // A zero entry may keep its cluster for later.
      const at = entry * tableEntryBytes;
      const kept = entryOffset(table.readUInt32BE(at), table.readUInt32BE(at + 4));
      if (kept !== 0) used.claim(kept, this.path);
      yield { guestOffset, lengthBytes: clusterBytes, hostOffset };
    }
  }

  /** Header, L1 and L2 tables, each claimed once. The refcount structures are left out. */
  claimMetadata(): UsedClusters {
    const used = new UsedClusters(clustersFor(this.header.fileLengthBytes));
    used.claim(0, this.path);
    const l1Clusters = clustersFor(this.#l1.length);
    for (let index = 0; index < l1Clusters; index++) {
      used.claim(this.header.l1Offset + index * clusterBytes, this.path);
    }
    for (let index = 0; index < this.header.l1Entries; index++) {
      const offset = this.tableOffset(index);
      if (offset === null) continue;
      if (index >= this.tableCount) throw imageRefused(this.path, "it has tables behind the end of its disk");
      used.claim(offset, this.path);
    }
    return used;
  }

  /** Fills the buffer from the file; what lies behind its end reads as zeros. */
  async readHost(buffer: Buffer, hostOffset: number): Promise<void> {
    await readFully(this.file, buffer, hostOffset);
  }

  async close(): Promise<void> {
    await this.file.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #isOwnCluster(high: number, offset: number): boolean {
    return (high & copiedFlag) !== 0 && offset !== 0 && offset % clusterBytes === 0;
  }
}

const maximumRunBytes = 4 * 1024 ** 2;

function continues(run: ClusterExtent, guestOffset: number, hostOffset: number | null): boolean {
  if (run.lengthBytes >= maximumRunBytes || run.guestOffset + run.lengthBytes !== guestOffset) return false;
  return run.hostOffset === null ? hostOffset === null : run.hostOffset + run.lengthBytes === hostOffset;
}

/** Opens without following a link at the end of the path: a store has files, not links. */
export async function openRegularFile(path: string, mode: "r" | "r+"): Promise<FileHandle> {
  const access = mode === "r" ? constants.O_RDONLY : constants.O_RDWR;
  try {
    // O_NONBLOCK: opening a FIFO must not wait for its other end.
    return await open(path, access | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (systemErrorCode(error) === "ELOOP") throw imageRefused(path, "it is a symbolic link");
    throw error;
  }
}

/** Fills the whole buffer; what lies behind the end of the file reads as zeros. */
export async function readFully(file: FileHandle, buffer: Buffer, position: number): Promise<void> {
  let done = 0;
  while (done < buffer.length) {
    const { bytesRead } = await file.read(buffer, done, buffer.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  if (done < buffer.length) buffer.fill(0, done);
}
