import { Failure } from "../diagnostics/failure.ts";
import { positionAt } from "../diagnostics/source-file.ts";
import type { KeyedPlan } from "../graph/keyed-plan.ts";
import type { LayerKey } from "../model/identifiers.ts";
import type { PublishRequest, Worker } from "../worker/worker.ts";
import { BakeProgress } from "./bake-progress.ts";
import type { BakeCollaborators, BakeOutcome, BakeRequest } from "./bake-request.ts";
import { builderCapacity, chooseResources, widestRow } from "./builder-resources.ts";
import { eventSchemaVersion, type StepFailed } from "./events.ts";
import { BakeHistory } from "./history.ts";
import { importBase } from "./import-bases.ts";
import { isHit, type KnownLayer, knownLayer, snapshotFingerprint } from "./layer-lookup.ts";
import { runLineage } from "./lineage-run.ts";
import { type Lineage, type PlannedWork, planLineages } from "./lineages.ts";
import { type PreparedBake, prepareBake } from "./prepare.ts";
import { isSameSnapshot, publishRequest, publishTarget, stageAt } from "./publish.ts";
import { runSchedule, type ScheduleOutcome } from "./scheduler.ts";
import { allSteps, askWorker, imagesFor, type WorkerState } from "./worker-answer.ts";
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

/** A bake whose keys are known. */
interface KeyedBake extends Surroundings, PreparedBake {
  readonly index: WorkerIndex;
  /** Null when there is no name to publish under. */
  readonly publication: PublishRequest | null;
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
  await history.save(keyed, ground);
  const known = await lookUp(bake);
  if (known !== null) return finish(bake, { work: known.work, layers: known.layers, published: false });
  return await bakeOnWorker(bake, await openWorker(bake, signal), signal);
}

async function openWorker({ collaborators, progress }: KeyedBake, signal: AbortSignal): Promise<Worker> {
  const startedAt = progress.now();
  progress.emit({ kind: "worker-opening" });
  const worker = await collaborators.openWorker(signal);
  progress.emit({ kind: "worker-opened", durationMs: progress.now() - startedAt });
  return worker;
}

function announcePlan({ keyed, snapshotName, request, progress }: KeyedBake): void {
  progress.emit({
    kind: "planned",
    target: keyed.plan.target,
    snapshotName,
    stages: keyed.stages.map(({ stage }) => ({
      index: stage.index,
      name: stage.name,
      image: stage.image.reference,
      steps: stage.steps.map(({ id, title, range }) => ({
        id,
        title,
        position: positionAt(request.lightfile, range.start),
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

/** From here on only the worker's word counts. */
async function bakeOnWorker(bake: KeyedBake, worker: Worker, signal: AbortSignal): Promise<BakeOutcome> {
  const { keyed, index, publication, progress } = bake;
  const state = await askWorker(worker, { keyed, index }, signal);
  const work = planLineages(keyed, (step) => isHit(step, state.layers.get(step.key)));
  announceWork(bake, work, state.layers);
  await importBases(bake, { worker, work, state }, signal);
  const outcome = await runLineages(bake, { worker, work, state }, signal);
  await index.save();
  if (outcome.kind === "failed") return failed(bake, outcome.trouble);
  signal.throwIfAborted();
  if (publication === null) return finish(bake, { published: false });
  const { moved, previous } = await publishTarget(worker, publication, signal);
  index.learnSnapshot(publication.name, {
    layer: publication.layer,
    fingerprint: snapshotFingerprint(publication),
  });
  await index.save();
  if (moved) {
    progress.emit({
      kind: "snapshot-published",
      name: publication.name,
      layer: publication.layer,
      previous,
    });
  }
  return finish(bake, { published: moved });
}

function announceWork(
  { progress }: KeyedBake,
  work: PlannedWork,
  layers: ReadonlyMap<LayerKey, KnownLayer>,
): void {
  for (const { step, layer } of work.cached) {
    const savedMs = layers.get(step.key)?.durationMs ?? 0;
    progress.emit({ kind: "step-cached", step: step.step.id, layer, savedMs, source: "store" });
  }
  for (const { step, key } of work.notNeeded) {
    progress.emit({ kind: "step-cached", step: step.id, layer: key, savedMs: 0, source: "not-needed" });
  }
  for (const { steps } of work.lineages) {
    for (const { step } of steps) progress.emit({ kind: "step-queued", step: step.id });
  }
}

interface OnWorker {
  readonly worker: Worker;
  readonly work: PlannedWork;
  readonly state: WorkerState;
}

async function importBases(
  { keyed, publication, collaborators, progress }: KeyedBake,
  { worker, work, state }: OnWorker,
  signal: AbortSignal,
): Promise<void> {
  for (const [digest, image] of imagesFor(keyed, work.lineages, publication !== null)) {
    if (state.images.has(digest)) continue;
    await importBase(image, { worker, images: collaborators.images, progress }, signal);
  }
}

function runLineages(
  bake: KeyedBake,
  { worker, work, state }: OnWorker,
  signal: AbortSignal,
): Promise<ScheduleOutcome<StepFailed>> {
  const { request, progress, index } = bake;
  const host = state.description;
  const width = widestRow(work.lineages);
  return runSchedule(
    {
      lineages: work.lineages.map((lineage) => ({
        lineage,
        resources: chooseResources(lineage, { host, override: request.resources, width }),
      })),
      capacity: builderCapacity(host),
      onWaiting: ({ lineage }) => {
        const [first] = lineage.steps;
        if (first !== undefined) {
          progress.emit({ kind: "step-waiting", step: first.step.id, reason: "resources" });
        }
      },
      run: (scheduled, lineageSignal) =>
        runLineage(
          scheduled,
          {
            worker,
            progress,
            lightfile: request.lightfile,
            checkpoint: request.checkpoint,
            keepFailedBuilderAs: request.keepFailedBuilder ? debugName(bake, scheduled.lineage) : null,
            openContent: (digest) => bake.openContent(digest),
            onLayer: (layer) => index.learnLayer(knownLayer(layer)),
          },
          lineageSignal,
        ),
    },
    signal,
  );
}

/** A name that a sandbox can have, and another one for each lineage. */
function debugName({ snapshotName }: KeyedBake, { stage }: Lineage): string {
  const what = snapshotName === null ? "" : `${snapshotName.replaceAll("/", "-")}-`;
  return `debug-${what}${stage.stage.name ?? stage.stage.index}`;
}

function failed({ progress }: KeyedBake, failure: StepFailed): BakeOutcome {
  progress.cancelOpenSteps();
  progress.complete("step-failed", null);
  return { kind: "step-failed", ...progress.counts(), failure, diagnostics: progress.diagnostics };
}

function finish(bake: KeyedBake, result: { readonly published: boolean } & Partial<LookedUp>): BakeOutcome {
  const { keyed, snapshotName, progress } = bake;
  if (result.work !== undefined) announceWork(bake, result.work, result.layers ?? new Map());
  const target = targetOf(keyed);
  progress.complete("completed", snapshotName);
  return {
    kind: "completed",
    ...progress.counts(),
    snapshotName,
    layer: target.lastLayer,
    image: target.stage.image,
    published: result.published,
    diagnostics: progress.diagnostics,
  };
}

function targetOf(keyed: KeyedPlan) {
  return stageAt(keyed, keyed.plan.target);
}
