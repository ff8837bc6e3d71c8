import { Failure } from "../diagnostics/failure.ts";
import { positionAt } from "../diagnostics/source-file.ts";
import type { PlannedStep, PlannedTest } from "../graph/plan.ts";
import type { Worker } from "../worker/worker.ts";
import { bakeOnWorker } from "./bake-on-worker.ts";
import { BakeProgress } from "./bake-progress.ts";
import type { BakeCollaborators, BakeOutcome, BakeRequest } from "./bake-request.ts";
import { missingSecrets, noSecrets } from "./client-secrets.ts";
import { eventSchemaVersion, type PlannedStepSummary } from "./events.ts";
import { BakeHistory } from "./history.ts";
import { type KeyedBake, nothingToDo, refuseBake } from "./keyed-bake.ts";
import { type PlannedWork, stepsToRun } from "./lineages.ts";
import { lookUp } from "./look-up.ts";
import { prepareBake } from "./prepare.ts";
import { publishRequest, stageAt } from "./publish.ts";
import { tellRepetition } from "./repetition.ts";
import { planTests } from "./tests.ts";
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
  let outcome: BakeOutcome;
  try {
    const known = await lookUp(bake);
    outcome = known.isAll ? nothingToDo(bake, known) : await runWhatIsMissing(bake, known.work, signal);
    if (outcome.kind === "completed" && outcome.published) publishedName = snapshotName;
  } finally {
    await history.end(keyed, { built: progress.built, publishedName });
  }
  if (outcome.kind === "completed") await tellRepetition(bake, history);
  return outcome;
}

async function runWhatIsMissing(
  bake: KeyedBake,
  work: PlannedWork,
  signal: AbortSignal,
): Promise<BakeOutcome> {
  // What this host's own store says is certain: no worker need be opened to see that a secret is missing.
  if (bake.collaborators.localLayers !== null) {
    const missing = missingSecrets(stepsToRun(work), bake.collaborators.secrets ?? noSecrets);
    if (missing.length > 0) return refuseBake(bake, missing);
  }
  return await bakeOnWorker(bake, await openWorker(bake, signal), signal);
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
