import { stat } from "node:fs/promises";
import { join } from "node:path";
import { isMissing, namesIn } from "../model/present-files.ts";
import { blankFileName } from "./blank-disk.ts";
import { allocatedBytes } from "./durable-file.ts";
import type { StoreContext } from "./store-context.ts";

export interface UnneededBlank {
  readonly folder: string;
  readonly sizeBytes: number;
}

export interface BlankNeeds {
  /** Disk sizes of what stays; null among them: one whose size is not known, which may need any. */
  readonly diskSizesMib: ReadonlySet<number | null>;
  /** Sizes of the empty disks that somebody writes over right now. */
  readonly heldSizesMib: ReadonlySet<number>;
  readonly olderThanMs: number | null;
  readonly nowMs: number;
}

/** The empty disks that nothing stands on; the next bake that wants one of that size makes it in some milliseconds. */
export async function unneededBlanks(
  store: StoreContext,
  needs: BlankNeeds,
): Promise<readonly UnneededBlank[]> {
  if (needs.diskSizesMib.has(null)) return [];
  const found: UnneededBlank[] = [];
  for (const name of await namesIn(store.root)) {
    const sizeMib = Number(/^blank-(\d+)$/.exec(name)?.[1]);
    if (Number.isNaN(sizeMib) || needs.diskSizesMib.has(sizeMib) || needs.heldSizesMib.has(sizeMib)) continue;
    const folder = store.blankFolder(sizeMib);
    const isRecent = needs.olderThanMs !== null && needs.nowMs - (await madeMs(folder)) <= needs.olderThanMs;
    if (!isRecent) found.push({ folder, sizeBytes: await allocatedBytes(folder) });
  }
  return found;
}

/** 0 for one that is damaged. */
async function madeMs(folder: string): Promise<number> {
  try {
    return (await stat(join(folder, blankFileName))).mtimeMs;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}
