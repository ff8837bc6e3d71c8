import type { LayerKey, StepId } from "../../model/identifiers.ts";
import type { ContextSource, StepOperation } from "../../model/step-operation.ts";
import type { Plan, PlannedStage, PlannedStep, PlannedTest } from "../plan.ts";

/**
 * What the context gave for each step: the selected, hashed files of a COPY, and those of a RUN's mounts, one for
 * each mount that shows the context, in order.
 */
export type StepInputs = ReadonlyMap<StepId, readonly ContextSource[]>;

/** A plan in which every step has its key: ready to be looked up and run. */
export interface KeyedPlan {
  readonly plan: Plan;
  readonly stages: readonly KeyedStage[];
}

export interface KeyedStage {
  readonly stage: PlannedStage;
  readonly steps: readonly KeyedStep[];
  readonly tests: readonly KeyedTest[];
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

/** A test that passed once on a result passes again: its key remembers it. */
export interface KeyedTest {
  readonly test: PlannedTest;
  /** 32 hex digits. Of the result, the command, its environment, user, directory and network. */
  readonly key: string;
  /** Canonical JSON of everything that was hashed. */
  readonly record: string;
}
