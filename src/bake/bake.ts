import { Failure } from "../diagnostics/failure.ts";
import { positionAt } from "../diagnostics/source-file.ts";
import type { PlannedStep, PlannedTest } from "../graph/plan.ts";
import type { LayerKey } from "../model/identifiers.ts";
import type { Worker } from "../worker/worker.ts";
import { bakeOnWorker } from "./bake-on-worker.ts";
import { BakeProgress } from "./bake-progress.ts";
import type { BakeCollaborators, BakeOutcome, BakeRequest } from "./bake-request.ts";
import { missingFromClient } from "./client-secrets.ts";
import { eventSchemaVersion, type PlannedStepSummary } from "./events.ts";
import { BakeHistory } from "./history.ts";
import { announceWork, completeBake, type KeyedBake, refuseBake } from "./keyed-bake.ts";
import { isHit, type KnownLayer } from "./layer-lookup.ts";
import { type PlannedWork, planLineages, stepsToRun } from "./lineages.ts";
import { outputValuesOf, withOutputValues } from "./output-values.ts";
import { prepareBake } from "./prepare.ts";
import { isSameSnapshot, publishRequest, stageAt } from "./publish.ts";
import { announceTests, planTests } from "./tests.ts";
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
  const tests = planTests(keyed, { index, noCache: request.noCache });
  const bake: KeyedBake = { ...surroundings, ...prepared, index, publication, tests };
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
  // What this host's own store says is certain: no worker need be opened to see that a secret is missing.
  if (bake.collaborators.localLayers !== null) {
    const missing = missingFromClient(stepsToRun(known.work), bake.collaborators);
    if (missing.length > 0) return refuseBake(bake, missing);
  }
  if (!known.isAll) return await bakeOnWorker(bake, await openWorker(bake, signal), signal);
  announceWork(bake, known.work, known.layers);
  announceTests(bake.tests, bake.progress);
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
    tests: stageAt(keyed, keyed.plan.target).tests.map(({ test }) => summaryOf(test)),
    stages: keyed.stages.map(({ stage }) => ({
      index: stage.index,
      name: stage.name,
      image: stage.image.reference,
      steps: stage.steps.map(summaryOf),
    })),
  });
}

function summaryOf({ id, title, source, range }: PlannedStep | PlannedTest): PlannedStepSummary {
  return { id, title, file: source.path, position: positionAt(source, range.start) };
}

interface LookedUp {
  readonly work: PlannedWork;
  readonly layers: ReadonlyMap<LayerKey, KnownLayer>;
  /** There is nothing to run, to test and to publish. */
  readonly isAll: boolean;
}

/** What is known without the worker. */
async function lookUp({ keyed, collaborators, index, publication, tests }: KeyedBake): Promise<LookedUp> {
  const lookup = collaborators.localLayers ?? index;
  const layers = await lookup.findLayers(allSteps(keyed).map((step) => step.key));
  const work = planLineages(keyed, (step) => isHit(step, layers.get(step.key)));
  if (work.lineages.length > 0 || tests.pending.length > 0) return { work, layers, isAll: false };
  if (publication === null) return { work, layers, isAll: true };
  const snapshot = await lookup.findSnapshot(publication.name);
  const values = outputValuesOf(publication.layer, layers);
  return { work, layers, isAll: isSameSnapshot(snapshot, withOutputValues(publication, values)) };
}
