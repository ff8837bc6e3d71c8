import type { CheckpointPolicy } from "../../worker.ts";

/** What sealing and starting the next builder is taken to cost before it was ever measured here. */
export const assumedSealCostMs = 1_000;

/**
 * A layer is written once and spares its step's run in every later bake that changes something after it. That is often,
 * for a Lightfile that is worked on; and a change that reruns more than it has to is a surprise, which counts, too.
 */
const expectedReuses = 50;

/** How far one measurement moves the average. */
const newestWeight = 0.3;

export interface CheckpointQuestion {
  readonly policy: CheckpointPolicy;
  /** Run time of the steps since the last seal. */
  readonly unsealedRunMs: number;
  /** Average cost of a seal between two steps, with what has to follow it before the next step can run. */
  readonly sealCostMs: number;
  readonly isLastStep: boolean;
}

/**
 * Whether to seal now. `auto` seals when the unsealed steps, rerun in {@link expectedReuses} later bakes, would take
 * longer than sealing them does. So what a crash or an edit right after them can cost is never more than a fiftieth of
 * one seal, beside the step that was running.
 */
export function shouldSeal(question: CheckpointQuestion): boolean {
  if (question.isLastStep) return true;
  switch (question.policy) {
    case "every":
      return true;
    case "final":
      return false;
    case "auto":
      return question.unsealedRunMs * expectedReuses > question.sealCostMs;
  }
}

/** The moving average after one more measurement. */
export function updatedSealCost(averageMs: number | undefined, measuredMs: number): number {
  if (averageMs === undefined) return measuredMs;
  return averageMs + (measuredMs - averageMs) * newestWeight;
}
