import { join } from "node:path";
import * as v from "valibot";
import type { KeyedTest } from "../graph/keys/keyed-plan.ts";
import { isLayerKey, isSha256Digest } from "../model/identifiers.ts";
import { parseJson } from "../model/parse-json.ts";
import type { WorkerDescription } from "../worker/worker.ts";
import { readClientFile, writeClientFile } from "./client-file.ts";
import { type KnownLayer, type KnownSnapshot, recordDigest } from "./layer-lookup.ts";

export function workerIndexPath(homeDirectory: string, workerName: string): string {
  return join(homeDirectory, "index", `${encodeURIComponent(workerName)}.json`);
}

export type StoreState = Pick<WorkerDescription, "storeId" | "generation" | "platform">;

/** What is remembered of a store. */
export interface IndexContent {
  /** Null: nothing is known. */
  readonly store: StoreState | null;
  /** Lines by key. */
  readonly layers: ReadonlyMap<string, string>;
  readonly snapshots: ReadonlyMap<string, KnownSnapshot>;
  readonly passedTests: ReadonlySet<string>;
}

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

/** A TEST as the file holds it. */
export function testLine({ key, record }: KeyedTest): string {
  return `${key} ${recordDigest(record)}`;
}

/** Key, digest of the record, size in bytes, duration in milliseconds and, where there are some, output values. */
export function layerLine({
  key,
  recordDigest: digest,
  sizeBytes,
  durationMs,
  outputValues,
}: KnownLayer): string {
  const line = `${key} ${digest} ${sizeBytes} ${durationMs}`;
  return Object.keys(outputValues).length === 0 ? line : `${line} ${JSON.stringify(outputValues)}`;
}

/** Undefined for a line that nobody could have written. */
export function readLayerLine(line: string): KnownLayer | undefined {
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

/** Nothing known where the file is missing or damaged. */
export async function readIndex(path: string): Promise<IndexContent> {
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

/** @throws Failure `ClientFileUnwritable` */
export async function writeIndex(
  path: string,
  content: IndexContent & { readonly store: StoreState },
): Promise<void> {
  await writeClientFile(path, toFile(content), { durable: false });
}

function toFile(content: IndexContent & { readonly store: StoreState }): IndexFile {
  return {
    version: 1,
    ...content.store,
    layers: [...content.layers.values()].slice(-layerLimit),
    snapshots: [...content.snapshots].map(([name, snapshot]) => ({ name, ...snapshot })),
    passedTests: [...content.passedTests].slice(-testLimit),
  };
}
