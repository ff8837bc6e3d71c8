import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import {
  type BackingFile,
  bytesPerL2Table,
  clusterBytes,
  clustersFor,
  copiedFlag,
  entriesPerTable,
  maximumDiskBytes,
  refcountsPerBlock,
  tableEntryBytes,
  zeroFlag,
} from "./format.ts";
import { backingNameProblem, encodeHeader, writeOffset } from "./header.ts";

export interface OverlayRequest {
  /** Must not exist. */
  readonly path: string;
  /** `path` is relative to the folder of the new file; null: what is not written reads as zeros. */
  readonly backing: BackingFile | null;
  readonly sizeBytes: number;
}

/**
 * Writes a qcow2 file from front to back: header, refcount table and L1 table first (filled in last), then
 * data clusters in guest order, each L2 table after the clusters it maps, and the refcount blocks at the end.
 * Everything written is in use, so every reference count is 1. Needs memory for one L2 table.
 */
export class OverlayWriter {
  readonly #file: FileHandle;
  readonly #request: OverlayRequest;
  readonly #l1: Buffer;
  readonly #l2: Buffer = Buffer.alloc(clusterBytes);
  #l2Index = -1;
  #nextCluster: number;
  #guestEnd = 0;

  private constructor(file: FileHandle, request: OverlayRequest) {
    this.#file = file;
    this.#request = request;
    this.#l1 = Buffer.alloc(Math.ceil(request.sizeBytes / bytesPerL2Table) * tableEntryBytes);
    this.#nextCluster = firstL1Cluster + clustersFor(this.#l1.length);
  }

  static async create(request: OverlayRequest): Promise<OverlayWriter> {
    const { sizeBytes, backing } = request;
    if (sizeBytes <= 0 || sizeBytes > maximumDiskBytes || sizeBytes % clusterBytes !== 0) {
      throw new Error(`internal error: not a disk size: ${sizeBytes} bytes`);
    }
    const problem = backing === null ? undefined : backingNameProblem(backing.path);
    if (problem !== undefined) throw new Error(`internal error: backing name ${problem}`);
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
    return new OverlayWriter(await open(request.path, flags, 0o644), request);
  }

  /** Writes whole clusters; calls must come in guest order and not overlap. */
  async writeData(guestOffset: number, data: Buffer): Promise<void> {
    const clusters = data.length / clusterBytes;
    this.#advance(guestOffset, clusters);
    const first = this.#nextCluster;
    this.#nextCluster += clusters;
    await writeFully(this.#file, data, first * clusterBytes);
    for (let index = 0; index < clusters; index++) {
      const at = await this.#entryFor(guestOffset / clusterBytes + index);
      writeOffset(this.#l2, at, (first + index) * clusterBytes);
      this.#l2.writeUInt32BE((this.#l2.readUInt32BE(at) | copiedFlag) >>> 0, at);
    }
  }

  /** Makes clusters read as zeros, whatever the backing file has there; same order as {@link writeData}. */
  async writeZeros(guestOffset: number, lengthBytes: number): Promise<void> {
    const clusters = lengthBytes / clusterBytes;
    this.#advance(guestOffset, clusters);
    for (let index = 0; index < clusters; index++) {
      const at = await this.#entryFor(guestOffset / clusterBytes + index);
      writeOffset(this.#l2, at, zeroFlag);
    }
  }

  /** Writes the tables and closes the file; with `isDurable` it is on the disk afterwards. */
  async finish(isDurable: boolean): Promise<void> {
    await this.#flushL2();
    const usedClusters = this.#nextCluster;
    // The blocks count themselves, too.
    const blocks = Math.ceil(usedClusters / (refcountsPerBlock - 1));
    const totalClusters = usedClusters + blocks;
    const table = Buffer.alloc(blocks * tableEntryBytes);
    for (let index = 0; index < blocks; index++) {
      writeOffset(table, index * tableEntryBytes, (usedClusters + index) * clusterBytes);
      const counted = Math.min(refcountsPerBlock, totalClusters - index * refcountsPerBlock);
      if (counted <= 0) continue;
      const block = Buffer.alloc(counted * 2);
      for (let entry = 0; entry < counted; entry++) block.writeUInt16BE(1, entry * 2);
      await writeFully(this.#file, block, (usedClusters + index) * clusterBytes);
    }
    await writeFully(this.#file, table, refcountTableCluster * clusterBytes);
    if (!this.#l1.every((byte) => byte === 0)) {
      await writeFully(this.#file, this.#l1, firstL1Cluster * clusterBytes);
    }
    await this.#file.truncate(totalClusters * clusterBytes);
    const header = encodeHeader({
      sizeBytes: this.#request.sizeBytes,
      backing: this.#request.backing,
      l1Offset: firstL1Cluster * clusterBytes,
      l1Entries: this.#l1.length / tableEntryBytes,
      refcountTableOffset: refcountTableCluster * clusterBytes,
      refcountTableClusters: 1,
    });
    await writeFully(this.#file, header, 0);
    if (isDurable) await this.#file.datasync();
    await this.#file.close();
  }

  /** Closes the unfinished file; the caller deletes it. */
  async abandon(): Promise<void> {
    await this.#file.close();
  }

  #advance(guestOffset: number, clusters: number): void {
    const end = guestOffset + clusters * clusterBytes;
    const isAligned = guestOffset % clusterBytes === 0 && Number.isInteger(clusters);
    if (!isAligned || guestOffset < this.#guestEnd || end > this.#request.sizeBytes) {
      throw new Error(`internal error: ${clusters} clusters at ${guestOffset} out of order or bounds`);
    }
    this.#guestEnd = end;
  }

  async #entryFor(guestCluster: number): Promise<number> {
    const index = Math.floor(guestCluster / entriesPerTable);
    if (index !== this.#l2Index) {
      await this.#flushL2();
      this.#l2Index = index;
    }
    return (guestCluster % entriesPerTable) * tableEntryBytes;
  }

  async #flushL2(): Promise<void> {
    if (this.#l2Index === -1) return;
    const offset = this.#nextCluster++ * clusterBytes;
    await writeFully(this.#file, this.#l2, offset);
    const at = this.#l2Index * tableEntryBytes;
    writeOffset(this.#l1, at, offset);
    this.#l1.writeUInt32BE((this.#l1.readUInt32BE(at) | copiedFlag) >>> 0, at);
    this.#l2.fill(0);
    this.#l2Index = -1;
  }
}

const refcountTableCluster = 1;
const firstL1Cluster = 2;

/** An empty overlay: a few hundred bytes on disk, whatever its size. */
export async function createOverlay(request: OverlayRequest): Promise<void> {
  const writer = await OverlayWriter.create(request);
  await writer.finish(false);
}

export async function writeFully(file: FileHandle, data: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < data.length) {
    const { bytesWritten } = await file.write(data, done, data.length - done, position + done);
    done += bytesWritten;
  }
}
