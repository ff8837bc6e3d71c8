import type { LayerKey } from "../model/identifiers.ts";
import { provideBlank } from "./blank-disk.ts";
import type { StoreContext } from "./store-context.ts";

/** What a disk stands on. */
export interface DiskBase {
  /** Null: the blank disk. */
  readonly parent: LayerKey | null;
  readonly parentInstance: string;
  readonly diskSizeMib: number;
}

export async function blankBase(store: StoreContext, diskSizeMib: number): Promise<DiskBase> {
  const blank = await provideBlank(store, diskSizeMib);
  return { parent: null, parentInstance: blank.instance, diskSizeMib };
}
