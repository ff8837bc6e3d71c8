import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { Failure } from "../diagnostics/failure.ts";
import type { LayerKey } from "../model/identifiers.ts";
import { isMissing } from "../model/present-files.ts";
import { findBlank } from "./blank-disk.ts";
import { readJsonFile } from "./durable-file.ts";
import { type LayerRecord, layerRecordSchema } from "./layer-record.ts";
import { imageRefused } from "./qcow2/format.ts";
import { readHeader } from "./qcow2/header.ts";
import { openRegularFile } from "./qcow2/image.ts";
import { diskFileName, layerFileName, type StoreContext } from "./store-context.ts";

type Checked = Map<LayerKey, LayerRecord | undefined>;

/** Reads what layers the store has. Nothing is remembered between calls: other processes add and prune. */
export class LayerCatalog {
  readonly #store: StoreContext;

  constructor(store: StoreContext) {
    this.#store = store;
  }

  /** The complete layers among `keys`; a damaged one, or one without its parents, is reported and left out. */
  async find(keys: readonly LayerKey[]): Promise<ReadonlyMap<LayerKey, LayerRecord>> {
    const checked: Checked = new Map();
    const found = new Map<LayerKey, LayerRecord>();
    for (const key of keys) {
      const record = await this.#check(key, checked);
      if (record !== undefined) found.set(key, record);
    }
    return found;
  }

  async findOne(key: LayerKey): Promise<LayerRecord | undefined> {
    return (await this.find([key])).get(key);
  }

  /** @throws Failure `UnknownLayer` */
  async get(key: LayerKey): Promise<LayerRecord> {
    const record = await this.findOne(key);
    if (record === undefined) throw unknownLayer(key);
    return record;
  }

  /** From the layer down to the one on the blank disk; empty for null. @throws Failure `UnknownLayer` */
  async chainOf(key: LayerKey | null): Promise<readonly LayerRecord[]> {
    const checked: Checked = new Map();
    const chain: LayerRecord[] = [];
    let next = key;
    while (next !== null) {
      const record = await this.#check(next, checked);
      if (record === undefined) throw unknownLayer(next);
      chain.push(record);
      next = record.parent;
    }
    return chain;
  }

  async #check(key: LayerKey, checked: Checked): Promise<LayerRecord | undefined> {
    // Down to what is known already, then judge upwards: a chain may be longer than a call stack should be.
    const path: LayerRecord[] = [];
    let below: LayerRecord | undefined;
    let next: LayerKey | null = key;
    let isBroken = false;
    while (next !== null && !isBroken) {
      if (checked.has(next)) {
        below = checked.get(next);
        isBroken = below === undefined;
        break;
      }
      // Marked first, so that a loop of parents ends here.
      checked.set(next, undefined);
      const record: LayerRecord | undefined = await this.#readLayer(next);
      if (record !== undefined) path.push(record);
      isBroken = record === undefined;
      next = record?.parent ?? null;
    }
    if (isBroken && path.length > 0) {
      this.#store.onDamage(`layer ${key}: a layer below it is missing or damaged`);
    }
    for (const record of path.reverse()) {
      if (isBroken || !(await this.#standsOn(record, below))) return undefined;
      checked.set(record.key, record);
      below = record;
    }
    return checked.get(key);
  }

  async #standsOn(record: LayerRecord, below: LayerRecord | undefined): Promise<boolean> {
    const base = record.parent === null ? await findBlank(this.#store, record.diskSizeMib) : below;
    const sizeMib = base === undefined ? undefined : "diskSizeMib" in base ? base.diskSizeMib : base.sizeMib;
    if (base?.instance === record.parentInstance && sizeMib === record.diskSizeMib) return true;
    this.#store.onDamage(`layer ${record.key}: what it was built on is missing or was made anew`);
    return false;
  }

  /** The layer's record when its own files are as the record says. */
  async #readLayer(key: LayerKey): Promise<LayerRecord | undefined> {
    const folder = this.#store.layerFolder(key);
    const json = await readJsonFile(join(folder, layerFileName), layerRecordSchema);
    if (json === undefined) return undefined;
    try {
      if (json.kind === "damaged") throw imageRefused(folder, json.problem);
      if (json.value.key !== key) throw imageRefused(folder, "its record is another layer's");
      await checkDiskFile(join(folder, diskFileName), json.value);
      return json.value;
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#store.onDamage(`layer ${key}: ${error.message}`);
      return undefined;
    }
  }
}

/** What a sealed disk's header names, relative to its own folder in `layers/` or `debug/`. */
export function sealedBacking(
  folder: "layers" | "debug",
  parent: LayerKey | null,
  diskSizeMib: number,
): { readonly path: string; readonly format: "qcow2" | "raw" } {
  if (parent === null) return { path: `../../blank-${diskSizeMib}/disk.raw`, format: "raw" };
  const path =
    folder === "layers" ? `../${parent}/${diskFileName}` : `../../layers/${parent}/${diskFileName}`;
  return { path, format: "qcow2" };
}

async function checkDiskFile(path: string, record: LayerRecord): Promise<void> {
  if (!(await lstat(path)).isFile()) throw imageRefused(path, "it is not a regular file");
  const file = await openRegularFile(path, "r");
  try {
    const header = await readHeader(file, path);
    const expected = sealedBacking("layers", record.parent, record.diskSizeMib);
    if (header.fileLengthBytes !== record.diskLengthBytes) throw imageRefused(path, "its length has changed");
    if (header.sizeBytes !== record.diskSizeMib * 1024 ** 2)
      throw imageRefused(path, "its disk size is wrong");
    if (header.backing?.path !== expected.path || header.backing.format !== expected.format) {
      throw imageRefused(path, `its backing file is not ${expected.path}`);
    }
  } finally {
    await file.close();
  }
}

function isDamage(error: unknown): error is Error {
  if (error instanceof Failure) return error.code === "LayerImageRefused";
  return error instanceof Error && isMissing(error);
}

export function unknownLayer(key: LayerKey): Failure {
  return new Failure({
    code: "UnknownLayer",
    category: "environment",
    message: `the store has no complete layer ${key}`,
    hint: "it was pruned or damaged; the next bake makes it anew",
  });
}
