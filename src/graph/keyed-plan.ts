import type { LayerKey, StepId } from "../model/identifiers.ts";
import type { ContextSource, StepOperation } from "../model/step-operation.ts";
import type { Plan, PlannedStage, PlannedStep } from "./plan.ts";

/** What the context gave for each COPY step: its selected, hashed files. */
export type StepInputs = ReadonlyMap<StepId, readonly ContextSource[]>;

/** A plan in which every step has its key: ready to be looked up and run. */
export interface KeyedPlan {
  readonly plan: Plan;
  readonly stages: readonly KeyedStage[];
}

export interface KeyedStage {
  readonly stage: PlannedStage;
  readonly steps: readonly KeyedStep[];
  /** The layer below the first step: last layer of the stage it is FROM; null on a bare image. */
  readonly parent: LayerKey | null;
  /** The last layer of the stage; null when it is the bare image. */
  readonly lastLayer: LayerKey | null;
  /** Stages that have to be there before a step of this one runs: its base and its `COPY --from`s. */
  readonly needs: readonly number[];
}

export interface KeyedStep {
  readonly step: PlannedStep;
  readonly key: LayerKey;
  /** Canonical JSON of everything that was hashed. */
  readonly record: string;
  readonly operation: StepOperation;
}
