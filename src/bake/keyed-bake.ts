import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { LayerKey } from "../model/identifiers.ts";
import type { PublishRequest } from "../worker/worker.ts";
import type { BakeProgress } from "./bake-progress.ts";
import type { BakeCollaborators, BakeOutcome, BakeRequest } from "./bake-request.ts";
import type { KnownLayer } from "./layer-lookup.ts";
import type { PlannedWork } from "./lineages.ts";
import type { PreparedBake } from "./prepare.ts";
import { stageAt } from "./publish.ts";
import { announceTests, type PlannedTests } from "./tests.ts";
import type { WorkerIndex } from "./worker-index.ts";

/** A bake whose keys are known. */
export interface KeyedBake extends PreparedBake {
  readonly request: BakeRequest;
  readonly collaborators: BakeCollaborators;
  readonly progress: BakeProgress;
  readonly index: WorkerIndex;
  /** As the plan has it, without the values that steps print; null when there is no name to publish under. */
  readonly publication: PublishRequest | null;
  readonly tests: PlannedTests;
}

/** What is known without the worker. */
export interface LookedUp {
  readonly work: PlannedWork;
  readonly layers: ReadonlyMap<LayerKey, KnownLayer>;
  /** There is nothing to run, to test and to publish. */
  readonly isAll: boolean;
}

/** Says of each step whether it is cached or will run. */
export function announceWork(
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

/** Every step is cached, every test has passed, and the name stands for the target. */
export function nothingToDo(bake: KeyedBake, { work, layers }: LookedUp): BakeOutcome {
  announceWork(bake, work, layers);
  announceTests(bake.tests, bake.progress);
  return completeBake(bake, { published: false });
}

/** There are mistakes after all, such as a secret that is not given: nothing is run. */
export function refuseBake({ progress }: KeyedBake, mistakes: readonly Diagnostic[]): BakeOutcome {
  progress.report(mistakes);
  progress.complete("invalid", null);
  return { kind: "invalid", diagnostics: progress.diagnostics };
}

/** All is there and, where there is a name, it stands for the target. */
export function completeBake(bake: KeyedBake, { published }: { readonly published: boolean }): BakeOutcome {
  const { keyed, snapshotName, progress } = bake;
  const target = stageAt(keyed, keyed.plan.target);
  progress.complete("completed", snapshotName);
  return {
    kind: "completed",
    ...progress.counts(),
    snapshotName,
    layer: target.lastLayer,
    image: target.stage.image,
    published,
    diagnostics: progress.diagnostics,
  };
}
