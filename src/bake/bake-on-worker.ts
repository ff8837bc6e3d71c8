import { Failure } from "../diagnostics/failure.ts";
import type { LayerKey } from "../model/identifiers.ts";
import type { Worker } from "../worker/worker.ts";
import type { BakeOutcome } from "./bake-request.ts";
import { builderCapacity, chooseResources, widestRow } from "./builder-resources.ts";
import { missingFromClient, noSecrets } from "./client-secrets.ts";
import type { StepFailed, TestFailed } from "./events.ts";
import type { ImageSource } from "./image-source.ts";
import { importBase } from "./import-bases.ts";
import { announceWork, completeBake, type KeyedBake, refuseBake } from "./keyed-bake.ts";
import { isHit, type KnownLayer, knownLayer, snapshotFingerprint } from "./layer-lookup.ts";
import { runLineage } from "./lineage-run.ts";
import { type Lineage, type PlannedWork, planLineages, stepsToRun } from "./lineages.ts";
import { type OutputValues, outputValuesOf, withOutputValues } from "./output-values.ts";
import { publishTarget, stageAt } from "./publish.ts";
import { failureAt } from "./resolve-bases.ts";
import { runSchedule, type ScheduleOutcome } from "./scheduler.ts";
import { announceTests, planTests, runTests } from "./tests.ts";
import { askWorker, imagesFor, type WorkerState } from "./worker-answer.ts";

/**
 * The part of a bake that needs the worker, whose word alone counts from here on: look up, import the bases, run
 * what is missing, publish.
 * @throws Failure for trouble with the worker or an image; of category `cancelled` when the signal is aborted
 */
export async function bakeOnWorker(
  prepared: KeyedBake,
  worker: Worker,
  signal: AbortSignal,
): Promise<BakeOutcome> {
  const { keyed, index, progress, collaborators } = prepared;
  const state = await askWorker(worker, { keyed, index }, signal);
  requirePlatform(prepared, state);
  // The answer may have shown that what was remembered was about other layers.
  const bake = { ...prepared, tests: planTests(keyed, { index, noCache: prepared.request.noCache }) };
  const work = planLineages(keyed, (step) => isHit(step, state.layers.get(step.key)));
  const missing = missingFromClient(stepsToRun(work), collaborators);
  if (missing.length > 0) return refuseBake(bake, missing);
  announceWork(bake, work, state.layers);
  const onWorker = { worker, work, state, layers: new Map(state.layers) };
  await importBases(bake, onWorker, signal);
  const outcome = await runLineages(bake, onWorker, signal).finally(() => index.save());
  if (outcome.kind === "failed") return failed(bake, outcome.trouble);
  signal.throwIfAborted();
  const outputValues = outputValuesOf(stageAt(keyed, keyed.plan.target).lastLayer, onWorker.layers);
  const failedTest = await testResult(bake, { worker, outputValues }, signal).finally(() => index.save());
  if (failedTest !== undefined) return testFailed(bake, failedTest);
  if (bake.publication === null) return completeBake(bake, { published: false });
  const publication = withOutputValues(bake.publication, outputValues);
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
  return completeBake(bake, { published: moved });
}

/** The base images were chosen, and all was planned, for the platform that the worker was taken to have. */
function requirePlatform({ request }: KeyedBake, { description }: WorkerState): void {
  if (description.platform === request.platform) return;
  throw new Failure({
    code: "WorkerPlatformDiffers",
    category: "environment",
    message: `the worker is for ${description.platform}, and this bake was planned for ${request.platform}`,
    hint: "bake again: the worker's platform is remembered now; or use a worker of the other platform",
  });
}

interface OnWorker {
  readonly worker: Worker;
  readonly work: PlannedWork;
  readonly state: WorkerState;
  /** What the worker holds by now. */
  readonly layers: Map<LayerKey, KnownLayer>;
}

async function importBases(
  bake: KeyedBake,
  { worker, work, state }: OnWorker,
  signal: AbortSignal,
): Promise<void> {
  const { keyed, publication, tests, collaborators, progress } = bake;
  const isBooted = publication !== null || tests.pending.length > 0;
  for (const [digest, image] of imagesFor(keyed, work.lineages, isBooted)) {
    if (state.images.has(digest)) continue;
    const images = locatingTrouble(collaborators.images, bake);
    await importBase(image, { worker, images, progress }, signal);
  }
}

/** An image that cannot be fetched is told of at the place that names it. */
function locatingTrouble(images: ImageSource, { bases }: KeyedBake): Pick<ImageSource, "openLayout"> {
  return {
    async openLayout(image, options, signal) {
      try {
        return await images.openLayout(image, options, signal);
      } catch (error) {
        const base = bases.find(({ reference }) => reference === image.reference);
        const isTrouble = error instanceof Failure && error.category !== "cancelled";
        throw isTrouble && base !== undefined ? failureAt(base, error) : error;
      }
    },
  };
}

function runLineages(
  bake: KeyedBake,
  { worker, work, state, layers }: OnWorker,
  signal: AbortSignal,
): Promise<ScheduleOutcome<StepFailed>> {
  const { request, progress, index, collaborators } = bake;
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
            lightfile: request.lightfile.path,
            checkpoint: request.checkpoint,
            keepFailedBuilderAs: request.keepFailedBuilder ? debugName(bake, scheduled.lineage) : null,
            openContent: (digest) => bake.openContent(digest),
            secrets: collaborators.secrets ?? noSecrets,
            sshAgents: collaborators.sshAgents,
            onLayer: (summary) => {
              const layer = knownLayer(summary);
              layers.set(layer.key, layer);
              index.learnLayer(layer);
            },
          },
          lineageSignal,
        ),
    },
    signal,
  );
}

async function testResult(
  bake: KeyedBake,
  { worker, outputValues }: { readonly worker: Worker; readonly outputValues: OutputValues },
  signal: AbortSignal,
): Promise<TestFailed | undefined> {
  const { request, progress, keyed, index, tests } = bake;
  announceTests(tests, progress);
  const { resources, lightfile } = request;
  const options = { worker, progress, keyed, index, resources, outputValues, lightfile: lightfile.path };
  return await runTests(tests.pending, options, signal);
}

/** A name that a sandbox can have, and another one for each lineage. */
function debugName({ snapshotName }: KeyedBake, { stage }: Lineage): string {
  const what = snapshotName === null ? "" : `${snapshotName.replaceAll("/", "-")}-`;
  return `debug-${what}${(stage.stage.name ?? String(stage.stage.index)).replaceAll("#", "-")}`;
}

function testFailed({ progress }: KeyedBake, failure: TestFailed): BakeOutcome {
  progress.complete("test-failed", null);
  return { kind: "test-failed", ...progress.counts(), failure, diagnostics: progress.diagnostics };
}

function failed({ progress }: KeyedBake, failure: StepFailed): BakeOutcome {
  progress.cancelOpenSteps();
  progress.complete("step-failed", null);
  return { kind: "step-failed", ...progress.counts(), failure, diagnostics: progress.diagnostics };
}
