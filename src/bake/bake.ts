import { Failure } from "../diagnostics/failure.ts";
import { positionAt } from "../diagnostics/source-file.ts";
import type { LayerKey } from "../model/identifiers.ts";
import type { Worker } from "../worker/worker.ts";
import { bakeOnWorker } from "./bake-on-worker.ts";
import { BakeProgress } from "./bake-progress.ts";
import type { BakeCollaborators, BakeOutcome, BakeRequest } from "./bake-request.ts";
import { eventSchemaVersion } from "./events.ts";
import { BakeHistory } from "./history.ts";
import { announceWork, completeBake, type KeyedBake } from "./keyed-bake.ts";
import { isHit, type KnownLayer } from "./layer-lookup.ts";
import { type PlannedWork, planLineages } from "./lineages.ts";
import { prepareBake } from "./prepare.ts";
import { isSameSnapshot, publishRequest } from "./publish.ts";
import { allSteps } from "./worker-answer.ts";
import { WorkerIndex } from "./worker-index.ts";

/**
 * Bakes a target: parse, resolve the bases, plan, read the context, key, look up, run what is missing, publish.
 * @throws Failure for trouble with the environment, and for a name or context that the request has wrong; a wrong
 *   Lightfile, a failed step and a cancelled bake are outcomes.
 */
export async function bake(
  request: BakeRequest,
  collaborators: BakeCollaborators,
  signal: AbortSignal,
): Promise<BakeOutcome> {
  const progress = new BakeProgress(collaborators);
  progress.emit({
    kind: "bake-started",
    schema: eventSchemaVersion,
    lightfile: request.lightfile.path,
    target: request.target,
    platform: request.platform,
  });
  try {
    signal.throwIfAborted();
    return await bakeThrough({ request, collaborators, progress }, signal);
  } catch (error) {
    if (!isCancellation(error, signal)) throw error;
    progress.cancelOpenSteps();
    progress.complete("cancelled", null);
    return { kind: "cancelled", ...progress.counts(), diagnostics: progress.diagnostics };
  }
}

function isCancellation(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  if (error === signal.reason) return true;
  if (error instanceof Failure) return error.category === "cancelled";
  return error instanceof Error && error.name === "AbortError";
}

interface Surroundings {
  readonly request: BakeRequest;
  readonly collaborators: BakeCollaborators;
  readonly progress: BakeProgress;
}

async function bakeThrough(surroundings: Surroundings, signal: AbortSignal): Promise<BakeOutcome> {
  const { request, collaborators, progress } = surroundings;
  const { homeDirectory, workerName } = collaborators;
  const history = await BakeHistory.open({ ...request, homeDirectory });
  const ground = history.groundFor(request);
  const prepared = await prepareBake({ ...surroundings, ground }, signal);
  if (prepared === null) {
    progress.complete("invalid", null);
    return { kind: "invalid", diagnostics: progress.diagnostics };
  }
  const { keyed, snapshotName } = prepared;
  const index = await WorkerIndex.load(homeDirectory, workerName);
  const publication = snapshotName === null ? null : publishRequest(keyed, snapshotName);
  const bake: KeyedBake = { ...surroundings, ...prepared, index, publication };
  announcePlan(bake);
  // Before anything runs, so that a bake that fails half-way is resumed on the same ground.
  await history.begin(keyed, ground);
  let publishedName: string | null = null;
  try {
    const outcome = await bakeKeyed(bake, signal);
    if (outcome.kind === "completed" && outcome.published) publishedName = snapshotName;
    return outcome;
  } finally {
    await history.end(keyed, { built: progress.built, publishedName });
  }
}

async function bakeKeyed(bake: KeyedBake, signal: AbortSignal): Promise<BakeOutcome> {
  const known = await lookUp(bake);
  if (known === null) return await bakeOnWorker(bake, await openWorker(bake, signal), signal);
  announceWork(bake, known.work, known.layers);
  return completeBake(bake, { published: false });
}

async function openWorker({ collaborators, progress }: KeyedBake, signal: AbortSignal): Promise<Worker> {
  const startedAt = progress.now();
  progress.emit({ kind: "worker-opening" });
  const worker = await collaborators.openWorker(signal);
  progress.emit({ kind: "worker-opened", durationMs: progress.now() - startedAt });
  return worker;
}

function announcePlan({ keyed, snapshotName, progress }: KeyedBake): void {
  progress.emit({
    kind: "planned",
    target: keyed.plan.target,
    snapshotName,
    stages: keyed.stages.map(({ stage }) => ({
      index: stage.index,
      name: stage.name,
      image: stage.image.reference,
      steps: stage.steps.map(({ id, title, source, range }) => ({
        id,
        title,
        file: source.path,
        position: positionAt(source, range.start),
      })),
    })),
  });
}

interface LookedUp {
  readonly work: PlannedWork;
  readonly layers: ReadonlyMap<LayerKey, KnownLayer>;
}

/** What is known without the worker, if that is enough: nothing to run and nothing to publish. Null otherwise. */
async function lookUp({ keyed, collaborators, index, publication }: KeyedBake): Promise<LookedUp | null> {
  const lookup = collaborators.localLayers ?? index;
  const layers = await lookup.findLayers(allSteps(keyed).map((step) => step.key));
  const work = planLineages(keyed, (step) => isHit(step, layers.get(step.key)));
  if (work.lineages.length > 0) return null;
  if (publication === null) return { work, layers };
  const snapshot = await lookup.findSnapshot(publication.name);
  return isSameSnapshot(snapshot, publication) ? { work, layers } : null;
}
