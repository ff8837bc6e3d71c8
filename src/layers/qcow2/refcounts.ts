import {
  clusterBytes,
  clustersFor,
  entriesPerTable,
  entryOffset,
  incompatibleDirty,
  refcountsPerBlock,
  tableEntryBytes,
} from "./format.ts";
import { headerField, writeOffset } from "./header.ts";
import { Qcow2Image } from "./image.ts";
import { writeFully } from "./overlay-writer.ts";
import type { UsedClusters } from "./used-clusters.ts";

/**
 * Makes an image whole that another implementation wrote and perhaps did not close: cuts or fills the last
 * cluster, and where the reference counts do not say what the tables do (after a kill, or with the dirty
 * flag), writes new ones at the end and switches the header over to them. Does not flush.
 * @returns true when something had to be mended
 * @throws Failure `LayerImageRefused` when the tables themselves are wrong
 */
export async function repairImage(path: string): Promise<boolean> {
  await using image = await Qcow2Image.open(path, "r+");
  const used = await findUsedClusters(image);
  const isExact = !image.header.isDirty && (await refcountsMatch(image, used));
  const clusters = clustersFor(image.header.fileLengthBytes);
  if (image.header.fileLengthBytes % clusterBytes !== 0) await image.file.truncate(clusters * clusterBytes);
  if (isExact) return false;
  await rebuildRefcounts(image, used, clusters);
  return true;
}

/**
 * Everything that the header and the tables refer to, the refcount structures left out. Reads all tables and
 * so checks them: afterwards, the work of reading the image is bounded by the length of its file.
 * @throws Failure `LayerImageRefused`
 */
export async function findUsedClusters(image: Qcow2Image): Promise<UsedClusters> {
  const used = image.claimMetadata();
  for (let index = 0; index < image.tableCount; index++) {
    const table = await image.table(index);
    if (table !== null) for (const _ of image.claimEntries(index, table, used));
  }
  return used;
}

/** Whether the stored counts are 1 for every cluster in use and 0 for all others. */
async function refcountsMatch(image: Qcow2Image, used: UsedClusters): Promise<boolean> {
  const { refcountTableOffset, refcountTableClusters } = image.header;
  const table = Buffer.alloc(refcountTableClusters * clusterBytes);
  await image.readHost(table, refcountTableOffset);
  const own = new Set<number>();
  for (let index = 0; index < refcountTableClusters; index++) {
    own.add(refcountTableOffset / clusterBytes + index);
  }
  const blocks: number[] = [];
  for (let at = 0; at < table.length; at += tableEntryBytes) {
    const low = table.readUInt32BE(at + 4);
    const offset = entryOffset(table.readUInt32BE(at), low);
    const cluster = offset / clusterBytes;
    const isWrong = offset % clusterBytes !== 0 || (low & 0x1ff) !== 0 || cluster >= used.clusterCount;
    if (isWrong || (offset !== 0 && own.has(cluster))) return false;
    if (offset !== 0) own.add(cluster);
    blocks.push(offset);
  }
  for (const cluster of own) if (used.has(cluster)) return false;

  const block = Buffer.alloc(clusterBytes);
  for (const [index, offset] of blocks.entries()) {
    const first = index * refcountsPerBlock;
    if (offset === 0) block.fill(0);
    else await image.readHost(block, offset);
    if (offset === 0 && first >= used.clusterCount) continue;
    for (let entry = 0; entry < refcountsPerBlock; entry++) {
      const cluster = first + entry;
      const isUsed = cluster < used.clusterCount && (used.has(cluster) || own.has(cluster));
      if (block.readUInt16BE(entry * 2) !== (isUsed ? 1 : 0)) return false;
    }
  }
  return blocks.length * refcountsPerBlock >= used.clusterCount;
}

/** The old table and blocks stay behind as free space: the file is valid before and after the header changes. */
async function rebuildRefcounts(image: Qcow2Image, used: UsedClusters, clusters: number): Promise<void> {
  let blocks = 0;
  let tableClusters = 1;
  const total = () => clusters + tableClusters + blocks;
  while (blocks * refcountsPerBlock < total()) {
    blocks++;
    tableClusters = Math.ceil(blocks / entriesPerTable);
  }
  const table = Buffer.alloc(tableClusters * clusterBytes);
  const block = Buffer.alloc(clusterBytes);
  for (let index = 0; index < blocks; index++) {
    const offset = (clusters + tableClusters + index) * clusterBytes;
    writeOffset(table, index * tableEntryBytes, offset);
    for (let entry = 0; entry < refcountsPerBlock; entry++) {
      const cluster = index * refcountsPerBlock + entry;
      const isUsed = cluster < clusters ? used.has(cluster) : cluster < total();
      block.writeUInt16BE(isUsed ? 1 : 0, entry * 2);
    }
    await writeFully(image.file, block, offset);
  }
  await writeFully(image.file, table, clusters * clusterBytes);
  await image.file.datasync();

  const fields = Buffer.alloc(12);
  writeOffset(fields, 0, clusters * clusterBytes);
  fields.writeUInt32BE(tableClusters, 8);
  await writeFully(image.file, fields, headerField.refcountTableOffset);
  const features = Buffer.alloc(8);
  await image.file.read(features, 0, 8, headerField.incompatibleFeatures);
  features.writeUInt32BE((features.readUInt32BE(4) & ~incompatibleDirty) >>> 0, 4);
  await writeFully(image.file, features, headerField.incompatibleFeatures);
}
