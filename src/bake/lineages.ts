import type { KeyedPlan, KeyedStage, KeyedStep } from "../graph/keys/keyed-plan.ts";
import { stageSourcesOf } from "../graph/plan.ts";
import type { LayerKey } from "../model/identifiers.ts";

/** The missing steps of one stage: what one builder runs, from `parent` on. */
export interface Lineage {
  readonly stage: KeyedStage;
  /** At least one; always the last ones of the stage. */
  readonly steps: readonly KeyedStep[];
  /** The layer that the first step starts from; null: the bare image. */
  readonly parent: LayerKey | null;
  /** Indexes of the stages whose lineages have to end before this one starts. */
  readonly after: readonly number[];
}

export interface PlannedWork {
  /** In an order in which each comes after those it waits for. */
  readonly lineages: readonly Lineage[];
  /** Steps whose layer, or a later layer that holds them, is there. */
  readonly cached: readonly CachedStep[];
  /** Steps that are missing, but nothing that runs and nothing that is published needs them. */
  readonly notNeeded: readonly KeyedStep[];
}

export function stepsToRun({ lineages }: PlannedWork): readonly KeyedStep[] {
  return lineages.flatMap(({ steps }) => steps);
}

export interface CachedStep {
  readonly step: KeyedStep;
  /** The step's own key, or that of the later layer that holds it too. */
  readonly layer: LayerKey;
}

/**
 * Decides what has to run. Keys chain, so of a stage only the furthest layer that is there matters: it stands for
 * all steps before it, even where those have no layer of their own (`--checkpoint=auto` puts several steps into
 * one layer). A stage is needed when it is the target or when a step that runs reads it; a stage that only cached
 * steps have read is not built again.
 */
export function planLineages(keyed: KeyedPlan, isPresent: (step: KeyedStep) => boolean): PlannedWork {
  const cached: CachedStep[] = [];
  const notNeeded: KeyedStep[] = [];
  const lineages: Lineage[] = [];
  const needed = new Set([keyed.plan.target]);
  const lineageStages = new Set<number>();
  // Dependents come after what they depend on, so walking backwards meets every need before its stage.
  for (const stage of keyed.stages.toReversed()) {
    const furthest = stage.steps.findLastIndex(isPresent);
    cached.push(...cachedUpTo(stage, furthest));
    const missing = stage.steps.slice(furthest + 1);
    if (missing.length === 0) {
      const base = needed.has(stage.stage.index) ? emptyStageBase(stage) : undefined;
      if (base !== undefined) needed.add(base);
      continue;
    }
    if (!needed.has(stage.stage.index)) {
      notNeeded.push(...missing);
      continue;
    }
    const reads = stagesRead(stage, missing, furthest === -1);
    for (const index of reads) needed.add(index);
    lineageStages.add(stage.stage.index);
    const parent = stage.steps[furthest]?.key ?? stage.parent;
    lineages.push({ stage, steps: missing, parent, after: [...reads] });
  }
  return {
    lineages: lineages.toReversed().map((lineage) => ({
      ...lineage,
      after: runningStages(keyed, lineage.after, lineageStages),
    })),
    cached,
    notNeeded,
  };
}

function cachedUpTo(stage: KeyedStage, furthest: number): CachedStep[] {
  const last = stage.steps[furthest];
  if (last === undefined) return [];
  return stage.steps.slice(0, furthest + 1).map((step) => ({ step, layer: last.key }));
}

/** The stages that the missing steps read: the base, when the chain starts there, and those copied from. */
function stagesRead(
  stage: KeyedStage,
  missing: readonly KeyedStep[],
  fromBase: boolean,
): ReadonlySet<number> {
  const reads = new Set<number>();
  const { base } = stage.stage;
  if (fromBase && base.kind === "stage") reads.add(base.index);
  for (const { step } of missing) {
    for (const source of stageSourcesOf(step.definition)) {
      if (source.kind === "stage") reads.add(source.index);
    }
  }
  return reads;
}

/** A stage without steps is its base stage under another name: who needs the one needs the other. */
function emptyStageBase(stage: KeyedStage): number | undefined {
  const { base } = stage.stage;
  return stage.steps.length === 0 && base.kind === "stage" ? base.index : undefined;
}

/** The lineages to wait for, among the stages that are read. */
function runningStages(
  keyed: KeyedPlan,
  reads: readonly number[],
  lineageStages: ReadonlySet<number>,
): readonly number[] {
  const running = new Set<number>();
  for (const start of reads) {
    let index: number | undefined = start;
    while (index !== undefined && !lineageStages.has(index)) {
      const stage = keyed.stages.find((candidate) => candidate.stage.index === index);
      index = stage === undefined ? undefined : emptyStageBase(stage);
    }
    if (index !== undefined) running.add(index);
  }
  return [...running];
}
