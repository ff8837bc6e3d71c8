import { hash, randomUUID } from "node:crypto";
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import type { KeyedPlan } from "../graph/keyed-plan.ts";
import { readKeyRecord } from "../graph/read-record.ts";
import { type RecordedStep, recordSteps } from "../graph/recorded-step.ts";
import { isLayerKey, isSha256Digest, type Sha256Digest } from "../model/identifiers.ts";
import { readClientFile, writeClientFile } from "./client-file.ts";

/** Small, read by every bake. */
const headSchema = v.object({
  version: v.literal(1),
  /** For people who look at the file. */
  lightfile: v.string(),
  target: v.nullable(v.string()),
  /** See no-cache.ts; null: no `--no-cache` bake so far. */
  ground: v.nullable(v.string()),
  /** Of the keys in the steps file: tells whether that is up to date without reading it. */
  keysDigest: v.string(),
});

/** Larger (it names every copied file), read by `--dry-run` only. */
const stepsSchema = v.object({
  version: v.literal(1),
  steps: v.array(
    v.object({
      stage: v.string(),
      title: v.string(),
      key: v.pipe(v.string(), v.guard(isLayerKey)),
      record: v.string(),
      parentTitle: v.nullable(v.string()),
      sourceStage: v.nullable(v.string()),
      variables: v.record(v.string(), v.string()),
      files: v.array(v.object({ path: v.string(), digest: v.string() })),
    }),
  ),
});

/** Which steps file a snapshot's last bake wrote: a Lightfile that was moved, or comes from stdin, has none of its own. */
const snapshotSchema = v.object({ version: v.literal(1), snapshot: v.string(), steps: v.string() });

export interface HistoryOptions {
  readonly homeDirectory: string;
  /** Absolute. */
  readonly lightfilePath: string;
  readonly target: string | null;
}

/**
 * What the client remembers of the last bake of a Lightfile's target: its steps, so that the next one can say
 * what changed, and the ground that it stands on. Nothing is built on its word.
 */
export class BakeHistory {
  readonly #options: HistoryOptions;
  readonly #paths: { readonly head: string; readonly steps: string };
  readonly #ground: string | null;
  readonly #keysDigest: string | null;

  private constructor(
    options: HistoryOptions,
    paths: { readonly head: string; readonly steps: string },
    head: v.InferOutput<typeof headSchema> | undefined,
  ) {
    this.#options = options;
    this.#paths = paths;
    this.#ground = head?.ground ?? null;
    this.#keysDigest = head?.keysDigest ?? null;
  }

  static async open(options: HistoryOptions): Promise<BakeHistory> {
    const { homeDirectory, lightfilePath, target } = options;
    const id = fileId([lightfilePath, target]);
    const folder = join(homeDirectory, "history");
    const paths = { head: join(folder, `${id}.json`), steps: join(folder, `${id}.steps.json`) };
    return new BakeHistory(options, paths, await readClientFile(paths.head, headSchema));
  }

  /** The ground of the next bake; a `--no-cache` bake takes a new one. */
  groundFor(request: { readonly noCache: boolean }): string | null {
    return request.noCache ? randomUUID() : this.#ground;
  }

  /** The steps of the last bake, or of the last one that published this name; empty when there was none. */
  async readSteps(snapshotName: string | null = null): Promise<readonly RecordedStep[]> {
    const own = await readClientFile(this.#paths.steps, stepsSchema);
    if (own !== undefined || snapshotName === null) return own?.steps ?? [];
    const pointer = await readClientFile(this.#snapshotPath(snapshotName), snapshotSchema);
    return (pointer && (await readClientFile(pointer.steps, stepsSchema)))?.steps ?? [];
  }

  #snapshotPath(name: string): string {
    return join(this.#options.homeDirectory, "history", `snapshot-${fileId([name])}.json`);
  }

  /**
   * Replaces what is remembered; writes nothing when that is the same. A disk that cannot take the steps does not
   * stop a bake: only explanations are lost.
   * @throws Failure `ClientFileUnwritable` when a new ground cannot be kept
   */
  async save(keyed: KeyedPlan, ground: string | null, snapshotName: string | null): Promise<void> {
    const keysDigest = digestOfKeys(keyed);
    if (keysDigest === this.#keysDigest && ground === this.#ground) return;
    const { lightfilePath: lightfile, target } = this.#options;
    const isNewGround = ground !== this.#ground;
    try {
      await writeClientFile(this.#paths.steps, { version: 1, steps: recordSteps(keyed) }, { durable: false });
      if (snapshotName !== null) {
        const pointer = { version: 1, snapshot: snapshotName, steps: this.#paths.steps };
        await writeClientFile(this.#snapshotPath(snapshotName), pointer, { durable: false });
      }
      // Last: a crash before it leaves an old head, and the steps are written again next time. It is durable
      // because a lost ground would bring back the layers that --no-cache was meant to replace.
      const head = { version: 1, lightfile, target, ground, keysDigest };
      await writeClientFile(this.#paths.head, head, { durable: isNewGround });
    } catch (error) {
      const isHarmless = error instanceof Failure && error.code === "ClientFileUnwritable" && !isNewGround;
      if (!isHarmless) throw error;
    }
  }
}

/**
 * The base images of the last bake of every Lightfile that is still there. Of copies from bare images, too.
 * @throws Failure `ClientFileUnreadable`
 */
export async function imagesOfLastBakes(homeDirectory: string): Promise<ReadonlySet<Sha256Digest>> {
  const folder = join(homeDirectory, "history");
  const images = new Set<Sha256Digest>();
  for (const name of await namesIn(folder)) {
    const id = /^([0-9a-f]{32})\.json$/.exec(name)?.[1];
    const head = id === undefined ? undefined : await readClientFile(join(folder, name), headSchema);
    if (head === undefined || !(await isThere(head.lightfile))) continue;
    const recorded = await readClientFile(join(folder, `${id}.steps.json`), stepsSchema);
    for (const { record } of recorded?.steps ?? []) {
      for (const image of imagesOf(record)) images.add(image);
    }
  }
  return images;
}

function imagesOf(record: string): readonly Sha256Digest[] {
  const read = readKeyRecord(record);
  if (read === null) return [];
  const { parent, operation } = read;
  const source = operation.kind === "copy" && "image" in operation.source ? [operation.source.image] : [];
  return [...("image" in parent ? [parent.image] : []), ...source].filter(isSha256Digest);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return false;
  }
}

function fileId(parts: readonly (string | null)[]): string {
  return hash("sha256", JSON.stringify(parts), "hex").slice(0, 32);
}

function digestOfKeys(keyed: KeyedPlan): string {
  const keys = keyed.stages.flatMap((stage) => stage.steps.map((step) => step.key));
  return hash("sha256", keys.join("\n"), "hex");
}
