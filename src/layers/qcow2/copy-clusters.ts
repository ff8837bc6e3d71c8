import { throwIfCancelled } from "../cancellation.ts";
import { type ChainRequest, DiskChain } from "./chain.ts";
import { type BackingFile, clusterBytes, entriesPerTable, imageRefused } from "./format.ts";
import type { Qcow2Image } from "./image.ts";
import { OverlayWriter } from "./overlay-writer.ts";
import { findUsedClusters } from "./refcounts.ts";

export interface CopyOutput {
  /** Must not exist; a file that could not be finished is left for the caller to delete. */
  readonly path: string;
  /** What the new file's header names. */
  readonly backing: BackingFile | null;
}

export interface CopyChangedRequest {
  /** The disk to cut from; its newest file may be in use by a quiesced microVM. */
  readonly from: ChainRequest;
  /** The disk that the output is to stand on. */
  readonly over: ChainRequest;
  readonly output: CopyOutput;
  readonly signal?: AbortSignal;
}

/**
 * Writes the overlay that makes `over` read like `from`: the clusters whose bytes differ, and no others.
 * Files that both chains end with are the same on both sides and are not compared.
 * @throws Failure `LayerImageRefused`, `Cancelled`
 */
export async function copyChangedClusters(request: CopyChangedRequest): Promise<void> {
  await using from = await DiskChain.open(request.from);
  await using over = await DiskChain.open(request.over);
  if (from.sizeBytes !== over.sizeBytes) {
    throw imageRefused(request.from.images[0] ?? "the disk", "its size is not that of the disk below");
  }
  const differing = withoutCommonEnd(from.images, over.images);
  for (const image of differing) await findUsedClusters(image);
  await writeOverlay(request.output, from.sizeBytes, async (writer) => {
    for await (const range of allocatedRanges(differing)) {
      throwIfCancelled(request.signal);
      const wanted = await from.readAt(range.guestOffset, range.lengthBytes);
      const present = await over.readAt(range.guestOffset, range.lengthBytes);
      await writeDifferences(writer, range.guestOffset, wanted, present);
    }
  });
}

async function writeOverlay(
  output: CopyOutput,
  sizeBytes: number,
  fill: (writer: OverlayWriter) => Promise<void>,
): Promise<void> {
  const writer = await OverlayWriter.create({ ...output, sizeBytes });
  try {
    await fill(writer);
  } catch (error) {
    await writer.abandon();
    throw error;
  }
  await writer.finish(true);
}

const zeroCluster = Buffer.alloc(clusterBytes);

type ClusterFate = "same" | "zeros" | "data";

/** Writes the clusters of `wanted` that differ from `present`. */
async function writeDifferences(
  writer: OverlayWriter,
  guestOffset: number,
  wanted: Buffer,
  present: Buffer,
): Promise<void> {
  const fateAt = (at: number): ClusterFate => {
    const cluster = wanted.subarray(at, at + clusterBytes);
    if (present.subarray(at, at + clusterBytes).equals(cluster)) return "same";
    return cluster.equals(zeroCluster) ? "zeros" : "data";
  };
  let start = 0;
  while (start < wanted.length) {
    const fate = fateAt(start);
    let end = start + clusterBytes;
    while (end < wanted.length && fateAt(end) === fate) end += clusterBytes;
    if (fate === "zeros") await writer.writeZeros(guestOffset + start, end - start);
    if (fate === "data") await writer.writeData(guestOffset + start, wanted.subarray(start, end));
    start = end;
  }
}

interface GuestRange {
  readonly guestOffset: number;
  readonly lengthBytes: number;
}

const maximumRangeBytes = 4 * 1024 ** 2;

/** The guest ranges that at least one of the images holds, in order. */
async function* allocatedRanges(images: readonly Qcow2Image[]): AsyncGenerator<GuestRange> {
  const sizeBytes = images[0]?.header.sizeBytes ?? 0;
  const tableCount = images[0]?.tableCount ?? 0;
  let run: { guestOffset: number; lengthBytes: number } | undefined;
  for (let index = 0; index < tableCount; index++) {
    const present: { readonly image: Qcow2Image; readonly table: Buffer }[] = [];
    for (const image of images) {
      const table = await image.table(index);
      if (table !== null) present.push({ image, table });
    }
    if (present.length === 0) continue;
    for (let entry = 0; entry < entriesPerTable; entry++) {
      const guestOffset = (index * entriesPerTable + entry) * clusterBytes;
      if (guestOffset >= sizeBytes) break;
      if (!present.some(({ image, table }) => image.locate(table, entry) !== undefined)) continue;
      const isNext = run !== undefined && run.guestOffset + run.lengthBytes === guestOffset;
      if (run !== undefined && isNext && run.lengthBytes < maximumRangeBytes) {
        run.lengthBytes += clusterBytes;
        continue;
      }
      if (run !== undefined) yield run;
      run = { guestOffset, lengthBytes: clusterBytes };
    }
  }
  if (run !== undefined) yield run;
}

/** The images of both chains that are not in the end that they share. */
function withoutCommonEnd(left: readonly Qcow2Image[], right: readonly Qcow2Image[]): Qcow2Image[] {
  let shared = 0;
  while (
    shared < Math.min(left.length, right.length) &&
    left[left.length - 1 - shared]?.path === right[right.length - 1 - shared]?.path
  ) {
    shared++;
  }
  return [...left.slice(0, left.length - shared), ...right.slice(0, right.length - shared)];
}
