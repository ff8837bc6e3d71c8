import { rm } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { Failure } from "../diagnostics/failure.ts";
import type { KeyedTest } from "../graph/keyed-plan.ts";
import type { Evidence } from "../model/evidence.ts";
import { isLayerKey, isSha256Digest, type LayerKey } from "../model/identifiers.ts";
import { parseJson } from "../model/parse-json.ts";
import type { WorkerDescription } from "../worker/worker.ts";
import { readClientFile, writeClientFile } from "./client-file.ts";
import { type KnownLayer, type KnownSnapshot, type LayerLookup, recordDigest } from "./layer-lookup.ts";

/** Keeps the file small enough to load in a few milliseconds; the least recently written ones go first. */
const layerLimit = 4000;
const testLimit = 1000;

const indexSchema = v.object({
  version: v.literal(1),
  storeId: v.string(),
  generation: v.number(),
  /** e.g. `linux/amd64`: what base images are chosen for, before the worker is asked. */
  platform: v.string(),
  /** See {@link layerLine}; read only when looked up, so that loading costs little. */
  layers: v.array(v.string()),
  snapshots: v.array(
    v.object({
      name: v.string(),
      layer: v.nullable(v.pipe(v.string(), v.guard(isLayerKey))),
      fingerprint: v.pipe(v.string(), v.guard(isSha256Digest)),
    }),
  ),
  /** Keys and digests of records of TESTs that passed on layers of this store. */
  passedTests: v.optional(v.array(v.string()), []),
});

type IndexFile = v.InferOutput<typeof indexSchema>;

const keyLength = 32;

function testLine({ key, record }: KeyedTest): string {
  return `${key} ${recordDigest(record)}`;
}

/** Key, digest of the record, size in bytes, duration in milliseconds and, where there are some, output values. */
function layerLine({ key, recordDigest: digest, sizeBytes, durationMs, outputValues }: KnownLayer): string {
  const line = `${key} ${digest} ${sizeBytes} ${durationMs}`;
  return Object.keys(outputValues).length === 0 ? line : `${line} ${JSON.stringify(outputValues)}`;
}

/** Undefined for a line that nobody could have written. */
function readLayerLine(line: string): KnownLayer | undefined {
  const [key = "", digest = "", size, duration, ...rest] = line.split(" ");
  const [sizeBytes, durationMs] = [Number(size), Number(duration)];
  if (!isLayerKey(key) || !isSha256Digest(digest)) return undefined;
  if (!(sizeBytes >= 0 && durationMs >= 0)) return undefined;
  const outputValues = rest.length === 0 ? {} : readOutputValues(rest.join(" "));
  return outputValues && { key, recordDigest: digest, sizeBytes, durationMs, outputValues };
}

const outputValuesSchema = v.record(v.string(), v.string());

function readOutputValues(text: string): Readonly<Record<string, string>> | undefined {
  const parsed = v.safeParse(outputValuesSchema, parseJson(text));
  return parsed.success ? parsed.output : undefined;
}

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
  #remembered: Remembered;
  /** Learned since the last save. */
  #news: News = noNews();

  private constructor(path: string, remembered: Remembered) {
    this.#path = path;
    this.#remembered = remembered;
  }

  /** A missing or damaged file is an empty index. */
  static async load(homeDirectory: string, workerName: string): Promise<WorkerIndex> {
    const path = workerIndexPath(homeDirectory, workerName);
    return new WorkerIndex(path, await readRemembered(path));
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
    const remembered = withNews(await readRemembered(this.#path), this.#news);
    const { store } = remembered;
    if (store === null) return;
    this.#remembered = remembered;
    this.#news = { ...noNews(), store };
    try {
      await writeClientFile(this.#path, toFile(remembered, store), { durable: false });
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== "ClientFileUnwritable") throw error;
    }
  }
}

type StoreState = Pick<WorkerDescription, "storeId" | "generation" | "platform">;

interface Remembered {
  /** Null: nothing is known. */
  readonly store: StoreState | null;
  /** Lines by key. */
  readonly layers: ReadonlyMap<string, string>;
  readonly snapshots: ReadonlyMap<string, KnownSnapshot>;
  readonly passedTests: ReadonlySet<string>;
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

async function readRemembered(path: string): Promise<Remembered> {
  const file = await readClientFile(path, indexSchema);
  if (file === undefined) {
    return { store: null, layers: new Map(), snapshots: new Map(), passedTests: new Set() };
  }
  const { storeId, generation, platform } = file;
  return {
    store: { storeId, generation, platform },
    layers: new Map(file.layers.map((line) => [line.slice(0, keyLength), line])),
    snapshots: new Map(file.snapshots.map(({ name, layer, fingerprint }) => [name, { layer, fingerprint }])),
    passedTests: new Set(file.passedTests),
  };
}

function withNews(remembered: Remembered, news: News): Remembered {
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

function toFile(remembered: Remembered, { storeId, generation, platform }: StoreState): IndexFile {
  return {
    version: 1,
    storeId,
    generation,
    platform,
    layers: [...remembered.layers.values()].slice(-layerLimit),
    snapshots: [...remembered.snapshots].map(([name, snapshot]) => ({ name, ...snapshot })),
    passedTests: [...remembered.passedTests].slice(-testLimit),
  };
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
  if (index.isStale(options.worker)) {
    await rm(workerIndexPath(options.homeDirectory, options.workerName), { force: true });
  }
}
