import { hash, randomUUID } from "node:crypto";
import { access } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import { pairSteps } from "../graph/explain/pair-steps.ts";
import { readKeyRecord } from "../graph/explain/read-record.ts";
import { type RecordedStep, recordSteps } from "../graph/explain/recorded-step.ts";
import type { KeyedPlan } from "../graph/keys/keyed-plan.ts";
import type { Evidence } from "../model/evidence.ts";
import { isLayerKey, isSha256Digest, type Sha256Digest, type StepId } from "../model/identifiers.ts";
import { namesIn } from "../model/present-files.ts";
import { readClientFile, writeClientFile } from "./client-file.ts";

/** Small, read by every bake. */
const headSchema = v.object({
  version: v.literal(1),
  /** For people who look at the file. */
  lightfile: v.string(),
  target: v.nullable(v.string()),
  /** See `KeyPlanOptions.ground`; null: no `--no-cache` bake so far. */
  ground: v.nullable(v.string()),
  /** Of the keys in the attempt's file: tells whether that is up to date without reading it. */
  keysDigest: v.string(),
  /** Of the keys, and of which steps had been built by the end of the bake: the same for the file of built steps. */
  builtDigest: v.nullable(v.string()),
});

/** Larger (it names every copied file), not read by a bake that has nothing to run. */
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
      commits: v.optional(v.record(v.string(), v.string()), {}),
    }),
  ),
});

/** Which file of built steps a snapshot's last bake wrote: a Lightfile that was moved, or comes from stdin, has none of its own. */
const snapshotSchema = v.object({ version: v.literal(1), snapshot: v.string(), steps: v.string() });

export interface HistoryOptions {
  readonly homeDirectory: string;
  /** Absolute. */
  readonly lightfilePath: string;
  readonly target: string | null;
}

interface HistoryPaths {
  readonly head: string;
  /** Of the steps of the last bake, whatever became of it. */
  readonly attempt: string;
  /** Of the steps that were built last, each as it was then. */
  readonly built: string;
}

type Head = v.InferOutput<typeof headSchema>;

/**
 * What the client remembers of the bakes of a Lightfile's target: the steps of the last one, so that their logs are
 * found; the steps as they were last built, so that the next one can say what changed; and the ground that it
 * stands on. Nothing is built on its word.
 */
export class BakeHistory {
  readonly #options: HistoryOptions;
  readonly #paths: HistoryPaths;
  #head: Head | undefined;

  private constructor(options: HistoryOptions, paths: HistoryPaths, head: Head | undefined) {
    this.#options = options;
    this.#paths = paths;
    this.#head = head;
  }

  static async open(options: HistoryOptions): Promise<BakeHistory> {
    const { homeDirectory, lightfilePath, target } = options;
    const id = fileId([lightfilePath, target]);
    const folder = join(homeDirectory, "history");
    const paths = {
      head: join(folder, `${id}.json`),
      attempt: join(folder, `${id}.steps.json`),
      built: join(folder, `${id}.built.json`),
    };
    return new BakeHistory(options, paths, await readClientFile(paths.head, headSchema));
  }

  /** The ground of the next bake; a `--no-cache` bake takes a new one. */
  groundFor(request: { readonly noCache: boolean }): string | null {
    return request.noCache ? randomUUID() : (this.#head?.ground ?? null);
  }

  /** Of the ground. */
  evidence(): readonly Evidence[] {
    return [{ kind: "replaced", path: this.#paths.head }];
  }

  /** The steps of the last bake, also of one that failed; null when there was none. */
  async readAttempt(): Promise<readonly RecordedStep[] | null> {
    return (await readClientFile(this.#paths.attempt, stepsSchema))?.steps ?? null;
  }

  /**
   * The steps as they were last built, here or else for the snapshot of this name; a step that has only failed so
   * far is none of them.
   */
  async readBuilt(snapshotName: string | null): Promise<readonly RecordedStep[]> {
    const own = await readClientFile(this.#paths.built, stepsSchema);
    if (own !== undefined || snapshotName === null) return own?.steps ?? [];
    const pointer = await readClientFile(this.#snapshotPath(snapshotName), snapshotSchema);
    return (pointer && (await readClientFile(pointer.steps, stepsSchema)))?.steps ?? [];
  }

  #snapshotPath(name: string): string {
    return join(this.#options.homeDirectory, "history", `snapshot-${fileId([name])}.json`);
  }

  /**
   * Remembers a bake that is about to look up and run its steps; writes nothing when it is the same as the last one.
   * A disk that cannot take the steps does not stop a bake: only explanations are lost.
   * @throws Failure `ClientFileUnwritable` when a new ground cannot be kept
   */
  async begin(keyed: KeyedPlan, ground: string | null): Promise<void> {
    const keysDigest = digestOfKeys(keyed);
    const isNewGround = ground !== (this.#head?.ground ?? null);
    if (keysDigest === this.#head?.keysDigest && !isNewGround) return;
    const { lightfilePath: lightfile, target } = this.#options;
    const builtDigest = this.#head?.builtDigest ?? null;
    try {
      const steps = recordSteps(keyed);
      await writeClientFile(this.#paths.attempt, { version: 1, steps }, { durable: false });
      // Last: a crash before it leaves an old head, and the steps are written again next time. It is durable
      // because a lost ground would bring back the layers that --no-cache was meant to replace.
      const head = { version: 1, lightfile, target, ground, keysDigest, builtDigest } as const;
      await writeClientFile(this.#paths.head, head, { durable: isNewGround });
      this.#head = head;
    } catch (error) {
      if (isNewGround) throw error;
      ignoreUnwritable(error);
    }
  }

  /**
   * Remembers the steps that have their layers by the end of the bake that has begun. Of the others, what they were
   * when they were last built stays remembered.
   * @param publishedName the name that stands for the whole result
   */
  async end(
    keyed: KeyedPlan,
    { built, publishedName }: { readonly built: ReadonlySet<StepId>; readonly publishedName: string | null },
  ): Promise<void> {
    if (this.#head === undefined) return;
    const builtDigest = digestOfBuilt(keyed, built);
    const isNews = builtDigest !== this.#head.builtDigest;
    try {
      if (isNews) await this.#writeBuilt(keyed, built);
      if (publishedName !== null) {
        const pointer = { version: 1, snapshot: publishedName, steps: this.#paths.built };
        await writeClientFile(this.#snapshotPath(publishedName), pointer, { durable: false });
      }
      const head = { ...this.#head, builtDigest };
      if (isNews) await writeClientFile(this.#paths.head, head, { durable: false });
      this.#head = head;
    } catch (error) {
      ignoreUnwritable(error);
    }
  }

  async #writeBuilt(keyed: KeyedPlan, built: ReadonlySet<StepId>): Promise<void> {
    const ids = keyed.stages.flatMap((stage) => stage.steps.map(({ step }) => step.id));
    const now = recordSteps(keyed);
    const isWhole = ids.every((id) => built.has(id));
    const before = isWhole ? undefined : await readClientFile(this.#paths.built, stepsSchema);
    const earlier = pairSteps(before?.steps ?? [], now);
    const steps = now.flatMap((step, position) => {
      const id = ids[position];
      return id !== undefined && built.has(id) ? step : (earlier[position] ?? []);
    });
    // Where nothing was built ever, the snapshot's last bake elsewhere says more.
    if (steps.length === 0) return;
    await writeClientFile(this.#paths.built, { version: 1, steps }, { durable: false });
  }
}

function ignoreUnwritable(error: unknown): void {
  if (!(error instanceof Failure) || error.code !== "ClientFileUnwritable") throw error;
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

function digestOfBuilt(keyed: KeyedPlan, built: ReadonlySet<StepId>): string {
  const steps = keyed.stages.flatMap((stage) => stage.steps);
  return hash("sha256", steps.map(({ step, key }) => `${key} ${built.has(step.id)}`).join("\n"), "hex");
}

function digestOfKeys(keyed: KeyedPlan): string {
  const keys = keyed.stages.flatMap((stage) => stage.steps.map((step) => step.key));
  return hash("sha256", keys.join("\n"), "hex");
}
