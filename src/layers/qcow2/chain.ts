import type { FileHandle } from "node:fs/promises";
import { clusterBytes, entriesPerTable, imageRefused } from "./format.ts";
import { openRegularFile, Qcow2Image, readFully } from "./image.ts";

export interface ChainRequest {
  /** Paths of qcow2 files, the newest first. */
  readonly images: readonly string[];
  /** Raw file below them all; null: what no image has reads as zeros. */
  readonly root: string | null;
}

/** Longest single read, so that no caller asks for a whole disk in memory. */
const maximumReadBytes = 16 * 1024 ** 2;

/**
 * A disk made of several files, each holding what differs from the ones below. Which files those are is the
 * caller's knowledge (the store's records): backing names in headers are not followed.
 */
export class DiskChain implements AsyncDisposable {
  readonly images: readonly Qcow2Image[];
  readonly sizeBytes: number;
  readonly #root: FileHandle | null;

  private constructor(images: readonly Qcow2Image[], root: FileHandle | null, sizeBytes: number) {
    this.images = images;
    this.#root = root;
    this.sizeBytes = sizeBytes;
  }

  /** @throws Failure `LayerImageRefused` */
  static async open(request: ChainRequest): Promise<DiskChain> {
    const images: Qcow2Image[] = [];
    let root: FileHandle | null = null;
    try {
      for (const path of request.images) images.push(await Qcow2Image.open(path));
      root = request.root === null ? null : await openRegularFile(request.root, "r");
      const sizeBytes = images[0]?.header.sizeBytes ?? (await root?.stat())?.size ?? 0;
      for (const image of images) {
        if (image.header.sizeBytes !== sizeBytes) {
          throw imageRefused(image.path, "its disk has another size than the one above it");
        }
      }
      return new DiskChain(images, root, sizeBytes);
    } catch (error) {
      for (const image of images) await image.close();
      await root?.close();
      throw error;
    }
  }

  /** What a guest reads at the offset; behind the end of the disk, zeros. At most 16 MiB at a time. */
  async readAt(offset: number, lengthBytes: number): Promise<Buffer> {
    if (!Number.isSafeInteger(offset) || offset < 0 || lengthBytes < 0 || lengthBytes > maximumReadBytes) {
      throw new RangeError(`cannot read ${lengthBytes} bytes at ${offset}`);
    }
    const result = Buffer.alloc(lengthBytes);
    const end = Math.min(offset + lengthBytes, this.sizeBytes);
    let at = offset;
    while (at < end) {
      const source = await this.#sourceOf(at);
      let runEnd = Math.min(nextCluster(at), end);
      while (runEnd < end) {
        const next = await this.#sourceOf(runEnd);
        if (next.image !== source.image || !follows(source, next, runEnd - at)) break;
        runEnd = Math.min(nextCluster(runEnd), end);
      }
      if (source.hostOffset !== null) {
        const part = result.subarray(at - offset, runEnd - offset);
        const file = source.image?.file ?? this.#root;
        if (file !== null) await readFully(file, part, source.hostOffset);
      }
      at = runEnd;
    }
    return result;
  }

  /** The newest file that has the byte, and where; `hostOffset` null means zeros. */
  async #sourceOf(
    guestOffset: number,
  ): Promise<{ readonly image: Qcow2Image | null; readonly hostOffset: number | null }> {
    const cluster = Math.floor(guestOffset / clusterBytes);
    const index = Math.floor(cluster / entriesPerTable);
    for (const image of this.images) {
      const location = image.locate(await image.table(index), cluster % entriesPerTable);
      if (location === null) return { image, hostOffset: null };
      if (location !== undefined) return { image, hostOffset: location + (guestOffset % clusterBytes) };
    }
    return { image: null, hostOffset: this.#root === null ? null : guestOffset };
  }

  async close(): Promise<void> {
    for (const image of this.images) await image.close();
    await this.#root?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function nextCluster(offset: number): number {
  return (Math.floor(offset / clusterBytes) + 1) * clusterBytes;
}

function follows(
  source: { readonly hostOffset: number | null },
  next: { readonly hostOffset: number | null },
  distance: number,
): boolean {
  if (source.hostOffset === null || next.hostOffset === null) return source.hostOffset === next.hostOffset;
  return source.hostOffset + distance === next.hostOffset;
}
