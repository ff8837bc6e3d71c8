import { realpath, rename } from "node:fs/promises";
import { join, relative } from "node:path";
import { provideBlank } from "./blank-disk.ts";
import type { DiskBase } from "./disk-base.ts";
import type { LayerCatalog } from "./layer-catalog.ts";
import type { ChainRequest } from "./qcow2/chain.ts";
import { copyChangedClusters } from "./qcow2/copy-clusters.ts";
import type { BackingFile } from "./qcow2/format.ts";
import { openRegularFile } from "./qcow2/image.ts";
import { createOverlay } from "./qcow2/overlay-writer.ts";
import { repairImage } from "./qcow2/refcounts.ts";
import { rewriteBacking } from "./qcow2/rewrite-backing.ts";
import { diskFileName, type StoreContext } from "./store-context.ts";

/** Makes the empty overlay of a writable disk in `folder`, which must exist, over the file of `backing`. */
export async function createDiskFile(
  folder: string,
  diskSizeMib: number,
  backing: BackingFile,
): Promise<void> {
  // Relative, and between real paths: readers resolve it against the folder that the file is really in.
  const path = relative(await realpath(folder), await realpath(backing.path));
  const sizeBytes = diskSizeMib * 1024 ** 2;
  await createOverlay({ path: join(folder, diskFileName), backing: { ...backing, path }, sizeBytes });
}

export interface FinishedDisk {
  readonly path: string;
  /** What it was made over. */
  readonly base: DiskBase;
}

export interface PlaceDiskRequest {
  readonly store: StoreContext;
  readonly catalog: LayerCatalog;
  readonly staging: string;
  /** What the sealed disk stands on. */
  readonly base: DiskBase;
  readonly backing: BackingFile;
  readonly how: "move" | "copy";
  readonly signal: AbortSignal | undefined;
}

/** Puts the finished disk into the staging folder: the file itself, or what differs from the base. */
export async function placeDiskFile(disk: FinishedDisk, request: PlaceDiskRequest): Promise<void> {
  const { store } = request;
  const target = join(request.staging, diskFileName);
  const isSameBase = request.base.parentInstance === disk.base.parentInstance;
  if (request.how === "copy" || !isSameBase) {
    await copyChangedClusters({
      from: await chainOf(disk.base, disk.path, request),
      over: await chainOf(request.base, null, request),
      output: { path: target, backing: request.backing },
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    });
    store.checkpoint("seal: disk copied");
    return;
  }
  await repairImage(disk.path);
  store.checkpoint("seal: disk mended");
  await rename(disk.path, target);
  store.checkpoint("seal: disk moved");
  await rewriteBacking(target, request.backing);
  const file = await openRegularFile(target, "r+");
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** The files of a chain, newest first. */
async function chainOf(
  base: DiskBase,
  newest: string | null,
  { store, catalog }: Pick<PlaceDiskRequest, "store" | "catalog">,
): Promise<ChainRequest> {
  const layers = await catalog.chainOf(base.parent);
  const images = layers.map((record) => join(store.layerFolder(record.key), diskFileName));
  const blank = await provideBlank(store, base.diskSizeMib);
  return { images: newest === null ? images : [newest, ...images], root: blank.path };
}
