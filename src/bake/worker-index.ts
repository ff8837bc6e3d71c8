import { rm } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { Failure } from "../diagnostics/failure.ts";
import { isLayerKey, isSha256Digest, type LayerKey } from "../model/identifiers.ts";
import type { WorkerDescription } from "../worker/worker.ts";
import { readClientFile, writeClientFile } from "./client-file.ts";
import type { KnownLayer, KnownSnapshot, LayerLookup } from "./layer-lookup.ts";

/** Keeps the file small enough to load in a few milliseconds; the least recently written ones go first. */
const layerLimit = 4000;

const layerKeySchema = v.pipe(v.string(), v.guard(isLayerKey));
const sha256Schema = v.pipe(v.string(), v.guard(isSha256Digest));
const amount = v.pipe(v.number(), v.minValue(0));

const indexSchema = v.object({
  version: v.literal(1),
  storeId: v.string(),
  generation: v.number(),
  /** Key, digest of the record, size in bytes, duration in milliseconds. */
  layers: v.array(v.tuple([layerKeySchema, sha256Schema, amount, amount])),
  snapshots: v.array(
    v.object({ name: v.string(), layer: v.nullable(layerKeySchema), fingerprint: sha256Schema }),
  ),
});

type IndexFile = v.InferOutput<typeof indexSchema>;

/** What a worker said of its store, in one bake. */
export interface WorkerAnswer {
  readonly asked: readonly LayerKey[];
  readonly layers: readonly KnownLayer[];
}

/**
 * What the client remembers of a worker's store, in one file per worker: enough to see that there is nothing to
 * do without asking. It is never the reason to run or publish anything: before that, the worker is asked and the
 * file is rewritten with the answer.
 */
export class WorkerIndex implements LayerLookup {
  readonly #path: string;
  #storeId: string | null = null;
  #generation = 0;
  readonly #layers = new Map<LayerKey, KnownLayer>();
  readonly #snapshots = new Map<string, KnownSnapshot>();

  private constructor(path: string) {
    this.#path = path;
  }

  /** A missing or damaged file is an empty index. */
  static async load(homeDirectory: string, workerName: string): Promise<WorkerIndex> {
    const path = workerIndexPath(homeDirectory, workerName);
    const index = new WorkerIndex(path);
    const file = await readClientFile(path, indexSchema);
    if (file !== undefined) index.#fill(file);
    return index;
  }

  #fill(file: IndexFile): void {
    this.#storeId = file.storeId;
    this.#generation = file.generation;
    for (const [key, recordDigest, sizeBytes, durationMs] of file.layers) {
      this.#layers.set(key, { key, recordDigest, sizeBytes, durationMs });
    }
    for (const { name, layer, fingerprint } of file.snapshots) {
      this.#snapshots.set(name, { layer, fingerprint });
    }
  }

  async findLayers(keys: readonly LayerKey[]): Promise<ReadonlyMap<LayerKey, KnownLayer>> {
    const found = new Map<LayerKey, KnownLayer>();
    for (const key of keys) {
      const layer = this.#layers.get(key);
      if (layer !== undefined) found.set(key, layer);
    }
    return found;
  }

  async findSnapshot(name: string): Promise<KnownSnapshot | undefined> {
    return this.#snapshots.get(name);
  }

  /**
   * Forgets everything when the index is about another store, or something was removed from this one.
   * @returns whether it was stale
   */
  reconcile(worker: Pick<WorkerDescription, "storeId" | "generation">): boolean {
    const isCurrent = this.#storeId === worker.storeId && this.#generation === worker.generation;
    if (isCurrent) return false;
    const wasStale = this.#storeId !== null;
    this.#storeId = worker.storeId;
    this.#generation = worker.generation;
    this.#layers.clear();
    this.#snapshots.clear();
    return wasStale;
  }

  /** Takes the worker's word for all that it was asked. */
  learn(answer: WorkerAnswer): void {
    for (const key of answer.asked) this.#layers.delete(key);
    for (const layer of answer.layers) this.learnLayer(layer);
  }

  learnLayer(layer: KnownLayer): void {
    this.#layers.delete(layer.key);
    this.#layers.set(layer.key, layer);
  }

  learnSnapshot(name: string, snapshot: KnownSnapshot): void {
    this.#snapshots.set(name, snapshot);
  }

  forgetSnapshot(name: string): void {
    this.#snapshots.delete(name);
  }

  /** A disk that cannot take it does not stop a bake: the index only saves time. */
  async save(): Promise<void> {
    if (this.#storeId === null) return;
    const file: IndexFile = {
      version: 1,
      storeId: this.#storeId,
      generation: this.#generation,
      layers: [...this.#layers.values()]
        .slice(-layerLimit)
        .map((layer) => [layer.key, layer.recordDigest, layer.sizeBytes, layer.durationMs]),
      snapshots: [...this.#snapshots].map(([name, snapshot]) => ({ name, ...snapshot })),
    };
    try {
      await writeClientFile(this.#path, file, { durable: false });
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== "ClientFileUnwritable") throw error;
    }
  }
}

export function workerIndexPath(homeDirectory: string, workerName: string): string {
  return join(homeDirectory, "index", `${encodeURIComponent(workerName)}.json`);
}

/**
 * Drops what is remembered of a worker when it turns out to be out of date. Every command that has opened a worker
 * calls this, so that a wiped or pruned store cannot leave a bake believing that there is nothing to do.
 */
export async function dropStaleIndex(options: {
  readonly homeDirectory: string;
  readonly workerName: string;
  readonly worker: Pick<WorkerDescription, "storeId" | "generation">;
}): Promise<void> {
  const index = await WorkerIndex.load(options.homeDirectory, options.workerName);
  if (index.reconcile(options.worker)) {
    await rm(workerIndexPath(options.homeDirectory, options.workerName), { force: true });
  }
}
