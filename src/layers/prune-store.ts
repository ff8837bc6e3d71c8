import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isLayerKey, type LayerKey } from "../model/identifiers.ts";
import { isMissing, namesIn } from "../model/present-files.ts";
import { allocatedBytes, readJsonFile, removeTree } from "./durable-file.ts";
import { readHolds } from "./holds.ts";
import type { LayerCatalog } from "./layer-catalog.ts";
import { debugLayerRecordSchema, type LayerRecord, layerRecordSchema } from "./layer-record.ts";
import { isAlive } from "./process-identity.ts";
import {
  decidePrune,
  type PruneCandidate,
  type PruneDecision,
  type PrunedItem,
  type PruneOutcome,
  type PruneRequest,
} from "./prune.ts";
import { type UnneededBlank, unneededBlanks } from "./prune-blanks.ts";
import { type SnapshotShelf, snapshotDamaged } from "./snapshots.ts";
import { debugFileName, layerFileName, type StoreContext } from "./store-context.ts";
import { volumeRecordsFolder } from "./volumes.ts";

/** What a pruner needs of an open store. */
export interface PrunableStore {
  readonly store: StoreContext;
  readonly catalog: LayerCatalog;
  readonly shelf: SnapshotShelf;
  /** Writes down that the store lost something. */
  readonly bumpGeneration: () => Promise<void>;
}

interface StoredCandidate extends PruneCandidate {
  /** Null when the record cannot be read. */
  readonly diskSizeMib: number | null;
  readonly folder: string;
}

/**
 * Decides and moves what goes to `tmp/` inside the gate, so that nobody starts to need a layer meanwhile;
 * deletes afterwards. A crash in between leaves the rest to the next sweep.
 * @throws Failure `SnapshotDamaged`: an unreadable snapshot may need any layer
 */
export async function pruneStore(target: PrunableStore, request: PruneRequest): Promise<PruneOutcome> {
  const { store } = target;
  const leftoverBytes = request.dryRun ? await leftoverSize(store) : await sweepLeftovers(store);
  const trash: string[] = [];
  const decision = await store.insideGate(async () => {
    const items = await collectCandidates(target);
    const made = await decide(target, items, request);
    if (request.dryRun) return made;
    if (made.remove.length > 0) {
      // Before the first removal: a client's index must never be newer than what it is about.
      await target.bumpGeneration();
      store.checkpoint("prune: generation written");
    }
    for (const { folder } of [...made.remove, ...made.blanks]) {
      const aside = await store.moveAside(folder);
      if (aside !== undefined) trash.push(aside);
      store.checkpoint("prune: moved");
    }
    return made;
  });
  for (const path of trash) {
    await rm(path, { recursive: true, force: true });
    store.checkpoint("prune: deleted");
  }
  const removed = decision.remove.map(
    ({ kind, key, title, sizeBytes }): PrunedItem => ({ kind, key, title, sizeBytes }),
  );
  const freedBytes = [...removed, ...decision.blanks].reduce(
    (sum, item) => sum + item.sizeBytes,
    leftoverBytes,
  );
  return { removed, freedBytes, keptBytes: decision.keptBytes };
}

interface StoreDecision extends PruneDecision<StoredCandidate> {
  /** Empty disks that are not needed either, once that is gone. */
  readonly blanks: readonly UnneededBlank[];
}

async function decide(
  target: PrunableStore,
  items: readonly StoredCandidate[],
  request: PruneRequest,
): Promise<StoreDecision> {
  const documents = await target.shelf.readAll((problem) => {
    throw snapshotDamaged(problem);
  });
  const holds = await readHolds(target.store);
  const named = documents.flatMap((document) => (document.layer === null ? [] : [document.layer]));
  const { keepStorageBytes, olderThanMs } = request;
  const nowMs = Date.now();
  const decision = decidePrune({
    items,
    needed: [...named, ...holds.layers],
    neededDebug: holds.debug,
    keepStorageBytes,
    olderThanMs,
    nowMs,
  });
  const gone = new Set(decision.remove);
  const blanks = await unneededBlanks(target.store, {
    diskSizesMib: new Set(items.filter((item) => !gone.has(item)).map((item) => item.diskSizeMib)),
    heldSizesMib: holds.blankSizesMib,
    olderThanMs,
    nowMs,
  });
  return { ...decision, blanks };
}

async function collectCandidates({ store, catalog }: PrunableStore): Promise<StoredCandidate[]> {
  const keys = (await namesIn(store.folder("layers"))).filter(isLayerKey);
  const complete = await catalog.find(keys);
  const layers: StoredCandidate[] = [];
  for (const key of keys) layers.push(await layerCandidate(store, key, complete.get(key)));
  return [...layers, ...(await debugCandidates(store, complete))];
}

async function layerCandidate(
  store: StoreContext,
  key: LayerKey,
  complete: LayerRecord | undefined,
): Promise<StoredCandidate> {
  const folder = store.layerFolder(key);
  const recordPath = join(folder, layerFileName);
  const json = complete === undefined ? await readJsonFile(recordPath, layerRecordSchema) : undefined;
  const record = complete ?? (json?.kind === "valid" ? json.value : undefined);
  return {
    kind: "layer",
    key,
    title: record?.title ?? "(damaged layer)",
    parent: record?.parent ?? null,
    diskSizeMib: record?.diskSizeMib ?? null,
    sizeBytes: complete?.sizeBytes ?? (await allocatedBytes(folder)),
    lastUsedMs: (await modifiedMs(recordPath)) ?? 0,
    usable: complete !== undefined,
    folder,
  };
}

async function debugCandidates(
  store: StoreContext,
  complete: ReadonlyMap<LayerKey, LayerRecord>,
): Promise<StoredCandidate[]> {
  const found: StoredCandidate[] = [];
  for (const name of await namesIn(store.folder("debug"))) {
    const folder = join(store.folder("debug"), name);
    const [key = ""] = name.split(".");
    if (!isLayerKey(key)) continue;
    const json = await readJsonFile(join(folder, debugFileName), debugLayerRecordSchema);
    const record = json?.kind === "valid" ? json.value : undefined;
    const parent = record?.parent ?? null;
    found.push({
      kind: "debug",
      key,
      title: record?.title ?? "(damaged disk of a failed step)",
      parent,
      diskSizeMib: record?.diskSizeMib ?? null,
      sizeBytes: record?.sizeBytes ?? (await allocatedBytes(folder)),
      lastUsedMs: (await modifiedMs(join(folder, debugFileName))) ?? 0,
      usable: record !== undefined && (parent === null || complete.has(parent)),
      folder,
    });
  }
  return found;
}

async function modifiedMs(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Deletes what processes that are gone left behind; returns the bytes freed. */
export async function sweepLeftovers(store: StoreContext): Promise<number> {
  let freedBytes = 0;
  for (const path of await leftovers(store)) {
    freedBytes += await allocatedBytes(path);
    await removeTree(path);
  }
  await store.insideGate(async () => {
    // Their writers are inside the gate, so none is at work now.
    for (const folder of [store.root, store.folder("snapshots"), volumeRecordsFolder(store)]) {
      for (const name of await namesIn(folder)) {
        if (name.endsWith(".tmp")) await rm(join(folder, name), { force: true });
      }
    }
    await readHolds(store);
  });
  await store.locks.sweep();
  return freedBytes;
}

async function leftoverSize(store: StoreContext): Promise<number> {
  let total = 0;
  for (const path of await leftovers(store)) total += await allocatedBytes(path);
  return total;
}

async function leftovers(store: StoreContext): Promise<string[]> {
  const found: string[] = [];
  for (const name of await namesIn(store.folder("tmp"))) {
    const [owner = ""] = name.split(".");
    if ((await isAlive(owner)) === false) found.push(join(store.folder("tmp"), name));
  }
  return found;
}
