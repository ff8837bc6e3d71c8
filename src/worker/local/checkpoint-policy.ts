import type { CheckpointPolicy } from "../worker.ts";

/** What sealing and starting the next builder is taken to cost before it was ever measured here. */
export const assumedSealCostMs = 10_000;

/** How far one measurement moves the average. */
const newestWeight = 0.3;

export interface CheckpointQuestion {
  readonly policy: CheckpointPolicy;
  /** Run time of the steps since the last seal. */
  readonly unsealedRunMs: number;
  /** Average cost of a seal and what has to follow it before the next step can run. */
  readonly sealCostMs: number;
  readonly isLastStep: boolean;
}

/**
 * Whether to seal now. `auto` seals when rerunning the unsealed steps would take longer than sealing them does, so what
 * a crash can cost, beside the step that was running, is never more than one seal (ten seconds before the first).
 */
export function shouldSeal(question: CheckpointQuestion): boolean {
  if (question.isLastStep) return true;
  switch (question.policy) {
    case "every":
      return true;
    case "final":
      return false;
    case "auto":
      return question.unsealedRunMs > question.sealCostMs;
  }
}

/** The moving average after one more measurement. */
export function updatedSealCost(averageMs: number | undefined, measuredMs: number): number {
  if (averageMs === undefined) return measuredMs;
  return averageMs + (measuredMs - averageMs) * newestWeight;
}
