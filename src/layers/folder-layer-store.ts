import { utimes } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isLayerKey, type LayerKey } from "../model/identifiers.ts";
import { isMissing, namesIn } from "../model/present-files.ts";
import { provideBlank } from "./blank-disk.ts";
import { blankBase, type DiskBase } from "./disk-base.ts";
import { createDiskFile } from "./disk-file.ts";
import { readJsonFile, withStorageFailures } from "./durable-file.ts";
import { addHold, type Held } from "./holds.ts";
import { LayerCatalog, unknownLayer } from "./layer-catalog.ts";
import { readStepLog } from "./layer-log.ts";
import { type DebugLayerRecord, debugLayerRecordSchema, type LayerRecord } from "./layer-record.ts";
import type {
  BlankDisk,
  DebugWritableRequest,
  DiskFoundation,
  HoldOwner,
  LayerStore,
  SnapshotContent,
  VolumeStore,
  WritableDisk,
  WritableRequest,
} from "./layer-store.ts";
import type { LockOptions, Release } from "./lock.ts";
import type { PruneOutcome, PruneRequest } from "./prune.ts";
import { pruneStore, sweepLeftovers } from "./prune-store.ts";
import type { BackingFile } from "./qcow2/format.ts";
import type { SnapshotDocument } from "./snapshot-document.ts";
import { SnapshotShelf } from "./snapshots.ts";
import { debugFileName, diskFileName, layerFileName, type StoreContext } from "./store-context.ts";
import { VolumeShelf } from "./volumes.ts";
import { StoreWritable } from "./writable-disk.ts";

export interface StoreGeneration {
  read(): Promise<number>;
  /** Call inside the gate. */
  bump(): Promise<void>;
}

/** {@link LayerStore} in a folder; made by `openLayerStore`. */
export class FolderLayerStore implements LayerStore {
  readonly root: string;
  readonly storeId: string;
  readonly volumes: VolumeStore;
  readonly #store: StoreContext;
  readonly #generation: StoreGeneration;
  readonly #catalog: LayerCatalog;
  readonly #shelf: SnapshotShelf;

  constructor(store: StoreContext, storeId: string, generation: StoreGeneration) {
    this.root = store.root;
    this.storeId = storeId;
    this.volumes = new VolumeShelf(store);
    this.#store = store;
    this.#generation = generation;
    this.#catalog = new LayerCatalog(store);
    this.#shelf = new SnapshotShelf(store, this.#catalog);
  }

  generation(): Promise<number> {
    return this.#generation.read();
  }

  find(keys: readonly LayerKey[]): Promise<ReadonlyMap<LayerKey, LayerRecord>> {
    return this.#catalog.find(keys);
  }

  get(key: LayerKey): Promise<LayerRecord> {
    return this.#catalog.get(key);
  }

  chainOf(key: LayerKey): Promise<readonly LayerRecord[]> {
    return this.#catalog.chainOf(key);
  }

  async chainDepth(key: LayerKey): Promise<number> {
    return (await this.#catalog.chainOf(key)).length;
  }

  async chainSizeBytes(key: LayerKey | null): Promise<number> {
    const chain = await this.#catalog.chainOf(key);
    return chain.reduce((sum, record) => sum + record.sizeBytes, 0);
  }

  blank(sizeMib: number): Promise<BlankDisk> {
    return this.#work(() => provideBlank(this.#store, sizeMib));
  }

  createWritable(request: WritableRequest): Promise<WritableDisk> {
    const { parent, diskSizeMib, directory } = request;
    return this.#work(async () => {
      // Outside of the gate: this may have to make a filesystem.
      const blank = await provideBlank(this.#store, diskSizeMib);
      return this.#store.insideGate(async () => {
        if (parent === null) {
          const base = await blankBase(this.#store, diskSizeMib);
          const backing: BackingFile = { path: blank.path, format: "raw" };
          const held: Held = { kind: "blank", sizeMib: diskSizeMib };
          return this.#makeWritable({ base, backing, directory, held });
        }
        const record = await this.#catalog.get(parent);
        if (record.diskSizeMib !== diskSizeMib) {
          throw new Error(`internal error: layer ${parent} has a disk of ${record.diskSizeMib} MiB`);
        }
        const path = join(this.#store.layerFolder(parent), diskFileName);
        return this.#makeWritable({
          base: { parent, parentInstance: record.instance, diskSizeMib },
          backing: { path, format: "qcow2" },
          directory,
          held: { kind: "layer", key: parent },
        });
      });
    });
  }

  createWritableOverDebug(request: DebugWritableRequest): Promise<WritableDisk> {
    return this.#work(() =>
      this.#store.insideGate(async () => {
        const newest = (await this.listDebug()).find((record) => record.key === request.debugKey);
        if (newest === undefined) throw unknownLayer(request.debugKey);
        if (newest.parent !== null) await this.#catalog.get(newest.parent);
        const folder = join(this.#store.folder("debug"), `${newest.key}.${newest.instance}`);
        return this.#makeWritable({
          base: newest,
          backing: { path: join(folder, diskFileName), format: "qcow2" },
          directory: request.directory,
          held: { kind: "debug", key: newest.key },
          isSealable: false,
        });
      }),
    );
  }

  async listDebug(): Promise<readonly DebugLayerRecord[]> {
    const records: DebugLayerRecord[] = [];
    const folder = this.#store.folder("debug");
    for (const name of await namesIn(folder)) {
      if (!isLayerKey(name.split(".")[0] ?? "")) continue;
      const json = await readJsonFile(join(folder, name, debugFileName), debugLayerRecordSchema);
      if (json?.kind === "damaged") this.#store.onDamage(json.problem);
      if (json?.kind === "valid") records.push(json.value);
    }
    return records.sort((left, right) => (left.createdAt < right.createdAt ? 1 : -1));
  }

  async getDebug(key: LayerKey): Promise<DebugLayerRecord | undefined> {
    return (await this.listDebug()).find((record) => record.key === key);
  }

  readLog(key: LayerKey): Promise<string | undefined> {
    return readStepLog(this.#store, key);
  }

  publishSnapshot(name: string, content: SnapshotContent): Promise<SnapshotDocument> {
    return this.#work(() => this.#shelf.publish(name, content));
  }

  listSnapshots(): Promise<readonly SnapshotDocument[]> {
    return this.#shelf.list();
  }

  getSnapshot(name: string): Promise<SnapshotDocument> {
    return this.#shelf.get(name);
  }

  removeSnapshot(name: string): Promise<void> {
    return this.#work(async () => {
      await this.#shelf.remove(name);
      await this.#generation.bump();
    });
  }

  async touch(key: LayerKey): Promise<void> {
    const now = new Date();
    try {
      await utimes(join(this.#store.layerFolder(key), layerFileName), now, now);
    } catch (error) {
      // ENOENT: pruned meanwhile, nothing to remember.
      if (!isMissing(error)) throw error;
    }
  }

  hold(key: LayerKey, owner: HoldOwner): Promise<Release> {
    return this.#hold({ kind: "layer", key }, owner);
  }

  holdBase({ parent, diskSizeMib }: DiskFoundation, owner: HoldOwner): Promise<Release> {
    return this.#hold(
      parent === null ? { kind: "blank", sizeMib: diskSizeMib } : { kind: "layer", key: parent },
      owner,
    );
  }

  #hold(held: Held, owner: HoldOwner): Promise<Release> {
    return this.#work(() => this.#store.insideGate(() => addHold(this.#store, held, owner)));
  }

  lock(name: string, options?: LockOptions): Promise<Release> {
    return this.#work(() => this.#store.locks.acquire(`user-${name}`, options));
  }

  isLocked(name: string): Promise<boolean> {
    return this.#store.locks.isLocked(`user-${name}`);
  }

  prune(request: PruneRequest): Promise<PruneOutcome> {
    const target = {
      store: this.#store,
      catalog: this.#catalog,
      shelf: this.#shelf,
      bumpGeneration: () => this.#generation.bump(),
    };
    return this.#work(() => pruneStore(target, request));
  }

  sweepLeftovers(): Promise<number> {
    return this.#work(() => sweepLeftovers(this.#store));
  }

  #work<Value>(work: () => Promise<Value>): Promise<Value> {
    return withStorageFailures(this.root, work);
  }

  /** Call inside the gate, after making sure that the base is there. */
  async #makeWritable(request: MakeWritableRequest): Promise<StoreWritable> {
    const { base, backing, directory, held } = request;
    const folder = directory === undefined ? await this.#store.makeTemporaryFolder() : resolve(directory);
    await createDiskFile(folder, base.diskSizeMib, backing);
    const owner: HoldOwner =
      directory === undefined
        ? { kind: "process", pid: process.pid }
        : { kind: "file", path: join(folder, diskFileName) };
    const releaseBase = await addHold(this.#store, held, owner);
    return new StoreWritable({
      store: this.#store,
      catalog: this.#catalog,
      base: {
        parent: base.parent,
        parentInstance: base.parentInstance,
        diskSizeMib: base.diskSizeMib,
      },
      folder,
      ownsFolder: directory === undefined,
      isSealable: directory === undefined && request.isSealable !== false,
      releaseBase,
    });
  }
}

interface MakeWritableRequest {
  readonly base: DiskBase;
  readonly backing: BackingFile;
  readonly directory: string | undefined;
  /** What prune has to keep for this disk. */
  readonly held: Held;
  readonly isSealable?: boolean;
}
