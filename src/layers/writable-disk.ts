import { randomUUID } from "node:crypto";
import { lstat, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { LayerKey } from "../model/identifiers.ts";
import { blankBase, type DiskBase } from "./disk-base.ts";
import { type FinishedDisk, placeDiskFile } from "./disk-file.ts";
import { allocatedBytes, syncDirectory, withStorageFailures, writeNewFile } from "./durable-file.ts";
import { addHold } from "./holds.ts";
import { type LayerCatalog, sealedBacking } from "./layer-catalog.ts";
import { moveLogs, openLogFile } from "./layer-log.ts";
import { type DebugLayerRecord, type LayerRecord, layerRecordVersion } from "./layer-record.ts";
import type { LayerLog, SealDebugRequest, SealRequest, WritableDisk } from "./layer-store.ts";
import type { Release } from "./lock.ts";
import { debugFileName, diskFileName, layerFileName, type StoreContext } from "./store-context.ts";

/**
 * Most qcow2 files that a sealed layer's reader has to open; a deeper layer is sealed as one file over the
 * blank disk. Measured in docs/decisions/0001-layers-chain-depth.md.
 */
export const maximumChainDepth = 32;

export interface StoreWritableFields {
  readonly store: StoreContext;
  readonly catalog: LayerCatalog;
  readonly base: DiskBase;
  readonly folder: string;
  /** False for a folder of the caller's, which stays when the disk is discarded. */
  readonly ownsFolder: boolean;
  /** False for a sandbox's disk. */
  readonly isSealable: boolean;
  readonly releaseBase: Release;
}

/**
 * ```
 * open ──seal, sealAsDebug──▶ spent ──discard──▶ spent
 *   └──────────────discard──────▲
 * ```
 * A seal that fails spends the disk too: what is left of it can only be discarded.
 */
export class StoreWritable implements WritableDisk {
  readonly path: string;
  readonly parent: LayerKey | null;
  readonly diskSizeMib: number;
  readonly #fields: StoreWritableFields;
  /** What the next layer is cut against: the base, or the layer that was cut out last. */
  #cutBase: DiskBase;
  #releaseCutBase: Release = async () => undefined;
  #state: "open" | "spent" = "open";

  constructor(fields: StoreWritableFields) {
    this.#fields = fields;
    this.#cutBase = fields.base;
    this.path = join(fields.folder, diskFileName);
    this.parent = fields.base.parent;
    this.diskSizeMib = fields.base.diskSizeMib;
  }

  async openLog(key: LayerKey): Promise<LayerLog> {
    const log = await this.#work(() => openLogFile(this.#fields.folder, key));
    return { write: (text) => log.write(text), close: () => this.#work(() => log.close()) };
  }

  async seal(request: SealRequest): Promise<LayerRecord> {
    this.#requireSealable();
    this.#state = "spent";
    return this.#work(async () => {
      const present = await this.#fields.catalog.findOne(request.key);
      const record = present ?? (await this.#sealNew(request, "move")).record;
      await this.discard();
      return record;
    });
  }

  async sealCopy(request: SealRequest): Promise<LayerRecord> {
    this.#requireSealable();
    return this.#work(async () => {
      const { record, release } =
        (await this.#holdPresent(request.key)) ?? (await this.#sealNew(request, "copy"));
      const releaseBefore = this.#releaseCutBase;
      this.#cutBase = { ...this.#cutBase, parent: record.key, parentInstance: record.instance };
      this.#releaseCutBase = release;
      await releaseBefore();
      return record;
    });
  }

  async sealAsDebug(request: SealDebugRequest): Promise<DebugLayerRecord> {
    this.#requireSealable();
    this.#state = "spent";
    return this.#work(async () => {
      const record = await this.#sealDebug(request, "move");
      await this.discard();
      return record;
    });
  }

  async copyAsDebug(request: SealDebugRequest): Promise<DebugLayerRecord> {
    this.#requireSealable();
    return this.#work(() => this.#sealDebug(request, "copy"));
  }

  async discard(): Promise<void> {
    this.#state = "spent";
    await rm(this.path, { force: true });
    if (this.#fields.ownsFolder) await rm(this.#fields.folder, { recursive: true, force: true });
    await this.#releaseCutBase();
    await this.#fields.releaseBase();
  }

  #requireSealable(): void {
    if (!this.#fields.isSealable) throw new Error("internal error: a sandbox's disk cannot be sealed");
    if (this.#state !== "open") throw new Error("internal error: the disk was sealed or discarded already");
  }

  #work<Value>(work: () => Promise<Value>): Promise<Value> {
    return withStorageFailures(this.#fields.store.root, work);
  }

  async #sealNew(request: SealRequest, how: "move" | "copy"): Promise<SealedLayer> {
    const { store, catalog } = this.#fields;
    const depth = (await catalog.chainOf(this.#cutBase.parent)).length + 1;
    const base = depth > maximumChainDepth ? await blankBase(store, this.diskSizeMib) : this.#cutBase;
    return this.#inStaging(async (staging) => {
      const backing = sealedBacking("layers", base.parent, base.diskSizeMib);
      await placeDiskFile(this.#file, {
        store,
        catalog,
        staging,
        base,
        backing,
        how,
        signal: request.signal,
      });
      await moveLogs(this.#fields.folder, staging, { own: request.key, covered: request.coveredKeys });
      const { signal: _, ...described } = request;
      const record: LayerRecord = {
        version: layerRecordVersion,
        ...described,
        ...base,
        instance: randomUUID(),
        sealedAt: new Date().toISOString(),
        ...(await measure(staging)),
      };
      await writeNewFile(join(staging, layerFileName), JSON.stringify(record));
      store.checkpoint("seal: record written");
      await syncDirectory(staging);
      return store.insideGate(async () => {
        const sealed = await this.#publishLayer(staging, record);
        return {
          record: sealed,
          release: how === "copy" ? await this.#holdLayer(sealed) : async () => undefined,
        };
      });
    });
  }

  /** The layer if it is there already, held so that it stays. */
  async #holdPresent(key: LayerKey): Promise<SealedLayer | undefined> {
    const { store, catalog } = this.#fields;
    return store.insideGate(async () => {
      const record = await catalog.findOne(key);
      return record === undefined ? undefined : { record, release: await this.#holdLayer(record) };
    });
  }

  /** Renames the layer into place; call inside the gate. Whoever was there first, and is complete, stays. */
  async #publishLayer(staging: string, record: LayerRecord): Promise<LayerRecord> {
    const { store, catalog } = this.#fields;
    const folder = store.layerFolder(record.key);
    const present = await catalog.findOne(record.key);
    if (present !== undefined) return present;
    const damaged = await store.moveAside(folder);
    store.checkpoint("seal: about to rename");
    await rename(staging, folder);
    store.checkpoint("seal: renamed");
    await syncDirectory(store.folder("layers"));
    if (damaged !== undefined) await rm(damaged, { recursive: true, force: true });
    return record;
  }

  async #sealDebug(request: SealDebugRequest, how: "move" | "copy"): Promise<DebugLayerRecord> {
    const { store, catalog, base } = this.#fields;
    return this.#inStaging(async (staging) => {
      const backing = sealedBacking("debug", base.parent, base.diskSizeMib);
      await placeDiskFile(this.#file, { store, catalog, staging, base, backing, how, signal: undefined });
      await moveLogs(this.#fields.folder, staging, { own: request.key, covered: "all" });
      const record: DebugLayerRecord = {
        version: layerRecordVersion,
        ...request,
        ...base,
        instance: randomUUID(),
        createdAt: new Date().toISOString(),
        ...(await measure(staging)),
      };
      await writeNewFile(join(staging, debugFileName), JSON.stringify(record));
      store.checkpoint("debug: record written");
      await syncDirectory(staging);
      await rename(staging, join(store.folder("debug"), `${request.key}.${record.instance}`));
      await syncDirectory(store.folder("debug"));
      return record;
    });
  }

  /** What was written; its base is not the one that the next layer is cut against. */
  get #file(): FinishedDisk {
    return { path: this.path, base: this.#fields.base };
  }

  async #inStaging<Value>(work: (staging: string) => Promise<Value>): Promise<Value> {
    const staging = await this.#fields.store.makeTemporaryFolder();
    try {
      return await work(staging);
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  }

  #holdLayer(record: LayerRecord): Promise<Release> {
    const held = { kind: "layer", key: record.key } as const;
    return addHold(this.#fields.store, held, { kind: "process", pid: process.pid });
  }
}

interface SealedLayer {
  readonly record: LayerRecord;
  readonly release: Release;
}

async function measure(staging: string): Promise<{ sizeBytes: number; diskLengthBytes: number }> {
  const disk = await lstat(join(staging, diskFileName));
  return { sizeBytes: await allocatedBytes(staging), diskLengthBytes: disk.size };
}
