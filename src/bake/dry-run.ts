import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { positionAt } from "../diagnostics/source-file.ts";
import { describeChanges } from "../graph/explain/describe-changes.ts";
import { explainChange } from "../graph/explain/explain-change.ts";
import { pairSteps } from "../graph/explain/pair-steps.ts";
import { type RecordedStep, recordSteps } from "../graph/explain/recorded-step.ts";
import type { KeyedPlan, KeyedStep } from "../graph/keys/keyed-plan.ts";
import type { Plan } from "../graph/plan.ts";
import type { LayerKey, StepId } from "../model/identifiers.ts";
import { BakeProgress } from "./bake-progress.ts";
import type { BakeCollaborators, BakeRequest } from "./bake-request.ts";
import { missingFromClient } from "./client-secrets.ts";
import { explainTests, type TestExplanation } from "./explain-tests.ts";
import { BakeHistory } from "./history.ts";
import { isHit, type KnownLayer, type LayerLookup } from "./layer-lookup.ts";
import { type PlannedWork, planLineages, stepsToRun } from "./lineages.ts";
import { type PreparedBake, prepareBake } from "./prepare.ts";
import { isSameSnapshot, publishRequest, stageAt } from "./publish.ts";
import { allSteps } from "./worker-answer.ts";
import { WorkerIndex } from "./worker-index.ts";

export type BakeExplanation =
  | {
      readonly kind: "explained";
      /** The name that the bake would publish; null: none. */
      readonly snapshotName: string | null;
      /** Why that name would move; null: it would not, or there is none. */
      readonly publication: PublicationReason | null;
      readonly plan: Plan;
      /** In plan order. */
      readonly steps: readonly StepExplanation[];
      /** Those of the target, in order. */
      readonly tests: readonly TestExplanation[];
      readonly diagnostics: readonly Diagnostic[];
      /**
       * Mistakes that end the bake before anything runs: secrets and ssh agents that the steps which will run require
       * and the collaborators do not give.
       */
      readonly missing: readonly Diagnostic[];
    }
  | { readonly kind: "invalid"; readonly diagnostics: readonly Diagnostic[] };

/** `unknown`: as far as is known without the worker, there is no such name. */
export type PublicationReason = "new-layers" | "other-configuration" | "unknown";

export interface StepExplanation {
  readonly step: StepId;
  readonly stage: number;
  readonly stageName: string | null;
  /** The instruction on one line. */
  readonly title: string;
  /** The file that it stands in. */
  readonly file: string;
  /** 1-based, in that file. */
  readonly line: number;
  readonly layer: LayerKey;
  readonly state: "cached" | "will-run";
  /** Why it will run, e.g. `variable VERSION changed from 1 to 2`; empty when cached. */
  readonly reasons: readonly string[];
  /** What the step took when it last ran; null when it is not known. */
  readonly durationMs: number | null;
}

/**
 * What a bake would do, and why, as far as the index or the local store knows: no worker is asked, nothing is run
 * or published, and the history stays that of the last real bake.
 * @throws Failure as `bake` does
 */
export async function explainBake(
  request: BakeRequest,
  collaborators: BakeCollaborators,
  signal: AbortSignal,
): Promise<BakeExplanation> {
  const { homeDirectory, workerName } = collaborators;
  const progress = new BakeProgress(collaborators);
  const history = await BakeHistory.open({ ...request, homeDirectory });
  const ground = history.groundFor(request);
  const prepared = await prepareBake({ request, collaborators, progress, ground }, signal);
  if (prepared === null) return { kind: "invalid", diagnostics: progress.diagnostics };
  const { keyed, snapshotName } = prepared;
  const index = await WorkerIndex.load(homeDirectory, workerName);
  const before = await history.readBuilt(snapshotName);
  const lookup = collaborators.localLayers ?? index;
  const layers = await lookup.findLayers([
    ...allSteps(keyed).map((step) => step.key),
    ...before.map((step) => step.key),
  ]);
  const work = planLineages(keyed, (step) => isHit(step, layers.get(step.key)));
  const steps = explainSteps(keyed, { before, layers, request, work });
  const publication = await explainPublication({ keyed, snapshotName }, lookup, steps);
  const built = new Set(before.map(({ key }) => key));
  const tests = explainTests(keyed, { index, noCache: request.noCache, before: built });
  return {
    kind: "explained",
    snapshotName,
    publication,
    plan: keyed.plan,
    steps,
    tests,
    diagnostics: progress.diagnostics,
    missing: missingFromClient(stepsToRun(work), collaborators),
  };
}

async function explainPublication(
  { keyed, snapshotName }: Pick<PreparedBake, "keyed" | "snapshotName">,
  lookup: LayerLookup,
  steps: readonly StepExplanation[],
): Promise<PublicationReason | null> {
  if (snapshotName === null) return null;
  const request = publishRequest(keyed, snapshotName);
  const known = await lookup.findSnapshot(snapshotName);
  if (known === undefined) return "unknown";
  if (steps.some(({ state }) => state === "will-run") || known.layer !== request.layer) return "new-layers";
  return isSameSnapshot(known, request) ? null : "other-configuration";
}

interface Known {
  readonly before: readonly RecordedStep[];
  readonly layers: ReadonlyMap<LayerKey, KnownLayer>;
  readonly request: BakeRequest;
  readonly work: PlannedWork;
}

function explainSteps(
  keyed: KeyedPlan,
  { before, layers, request, work }: Known,
): readonly StepExplanation[] {
  const running = new Set(stepsToRun(work).map(({ step }) => step.id));
  const recorded = recordSteps(keyed);
  const pairs = pairSteps(before, recorded);
  return allSteps(keyed).map((step, position): StepExplanation => {
    const previous = pairs[position];
    const after = recorded[position];
    const runs = running.has(step.step.id);
    const { stage } = stageAt(keyed, step.step.stage);
    return {
      step: step.step.id,
      stage: stage.index,
      stageName: stage.name,
      title: step.step.title,
      file: step.step.source.path,
      line: positionAt(step.step.source, step.step.range.start).line,
      layer: step.key,
      state: runs ? "will-run" : "cached",
      reasons: runs && after !== undefined ? reasonsFor(previous, after, request) : [],
      durationMs: durationOf(step, previous, layers),
    };
  });
}

function reasonsFor(
  previous: RecordedStep | undefined,
  after: RecordedStep,
  { noCache }: BakeRequest,
): readonly string[] {
  if (noCache) return ["--no-cache was given"];
  const reasons = describeChanges(explainChange(previous, after));
  return reasons.length > 0 ? reasons : ["nothing changed, but its layer is not in the store"];
}

function durationOf(
  step: KeyedStep,
  previous: RecordedStep | undefined,
  layers: ReadonlyMap<LayerKey, KnownLayer>,
): number | null {
  const before = previous === undefined ? undefined : layers.get(previous.key);
  return (layers.get(step.key) ?? before)?.durationMs ?? null;
}
