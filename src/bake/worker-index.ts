import { rm } from "node:fs/promises";
import { Failure } from "../diagnostics/failure.ts";
import type { KeyedTest } from "../graph/keys/keyed-plan.ts";
import type { Evidence } from "../model/evidence.ts";
import type { LayerKey } from "../model/identifiers.ts";
import type { WorkerDescription } from "../worker/worker.ts";
import type { KnownLayer, KnownSnapshot, LayerLookup } from "./layer-lookup.ts";
import {
  type IndexContent,
  layerLine,
  readIndex,
  readLayerLine,
  type StoreState,
  testLine,
  workerIndexPath,
  writeIndex,
} from "./worker-index-file.ts";

/** A worker's answer about all the layers that it was asked for. */
export interface WorkerAnswer {
  readonly worker: StoreState;
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
  #remembered: IndexContent;
  /** Learned since the last save. */
  #news: News = noNews();

  private constructor(path: string, remembered: IndexContent) {
    this.#path = path;
    this.#remembered = remembered;
  }

  /** A missing or damaged file is an empty index. */
  static async load(homeDirectory: string, workerName: string): Promise<WorkerIndex> {
    const path = workerIndexPath(homeDirectory, workerName);
    return new WorkerIndex(path, await readIndex(path));
  }

  async findLayers(keys: readonly LayerKey[]): Promise<ReadonlyMap<LayerKey, KnownLayer>> {
    const found = new Map<LayerKey, KnownLayer>();
    for (const key of keys) {
      const line = this.#remembered.layers.get(key);
      const layer = line === undefined ? undefined : readLayerLine(line);
      if (layer !== undefined) found.set(key, layer);
    }
    return found;
  }

  async findSnapshot(name: string): Promise<KnownSnapshot | undefined> {
    return this.#remembered.snapshots.get(name);
  }

  evidence(): readonly Evidence[] {
    return [{ kind: "replaced", path: this.#path }];
  }

  /** The worker's platform; null when it was never asked. */
  get platform(): string | null {
    return this.#remembered.store?.platform ?? null;
  }

  /** Whether this is about another store, or about a time before something was removed from it. */
  isStale({ storeId, generation }: Pick<WorkerDescription, "storeId" | "generation">): boolean {
    const { store } = this.#remembered;
    return store !== null && (store.storeId !== storeId || store.generation !== generation);
  }

  /** Takes the worker's word; forgets all else when that shows the index to be stale. */
  learn(answer: WorkerAnswer): void {
    const { storeId, generation, platform } = answer.worker;
    this.#news.store = { storeId, generation, platform };
    for (const key of answer.asked) this.#news.asked.add(key);
    for (const layer of answer.layers) this.learnLayer(layer);
  }

  learnLayer(layer: KnownLayer): void {
    this.#news.layers.set(layer.key, layer);
  }

  learnSnapshot(name: string, snapshot: KnownSnapshot): void {
    this.#news.snapshots.set(name, snapshot);
  }

  /** Whether the test passed on its very result, as far as is remembered. */
  hasPassed(test: KeyedTest): boolean {
    return this.#remembered.passedTests.has(testLine(test));
  }

  learnPassed(test: KeyedTest): void {
    this.#news.passedTests.add(testLine(test));
  }

  /**
   * Adds what was learned to what the file holds now: another bake may have saved in between, and to write back
   * what this one had loaded would bring back what that one corrected. A disk that cannot take the file does not
   * stop a bake: the index only saves time.
   */
  async save(): Promise<void> {
    const remembered = withNews(await readIndex(this.#path), this.#news);
    const { store } = remembered;
    if (store === null) return;
    this.#remembered = remembered;
    this.#news = { ...noNews(), store };
    try {
      await writeIndex(this.#path, { ...remembered, store });
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== "ClientFileUnwritable") throw error;
    }
  }
}

interface News {
  /** Null: the worker was not asked. */
  store: StoreState | null;
  readonly asked: Set<LayerKey>;
  readonly layers: Map<LayerKey, KnownLayer>;
  readonly snapshots: Map<string, KnownSnapshot>;
  readonly passedTests: Set<string>;
}

function noNews(): News {
  return { store: null, asked: new Set(), layers: new Map(), snapshots: new Map(), passedTests: new Set() };
}

function withNews(remembered: IndexContent, news: News): IndexContent {
  const { store } = news;
  if (store === null) return remembered;
  const isCurrent =
    remembered.store?.storeId === store.storeId && remembered.store.generation === store.generation;
  const layers = new Map(isCurrent ? remembered.layers : []);
  // Deleted first, so that what is in use stands last and is kept longest.
  for (const key of [...news.asked, ...news.layers.keys()]) layers.delete(key);
  for (const [key, layer] of news.layers) layers.set(key, layerLine(layer));
  const snapshots = new Map([...(isCurrent ? remembered.snapshots : []), ...news.snapshots]);
  const passedTests = new Set(isCurrent ? remembered.passedTests : []);
  for (const test of news.passedTests) {
    passedTests.delete(test);
    passedTests.add(test);
  }
  return { store, layers, snapshots, passedTests };
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
  if (index.isStale(options.worker)) {
    await rm(workerIndexPath(options.homeDirectory, options.workerName), { force: true });
  }
}
