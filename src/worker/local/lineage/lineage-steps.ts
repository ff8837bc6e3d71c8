import { Failure } from "../../../diagnostics/failure.ts";
import type { LayerRecord } from "../../../layers/layer-record.ts";
import type { LayerStore } from "../../../layers/layer-store.ts";
import type { LineageStep } from "../../worker.ts";

export function stepAt(steps: readonly LineageStep[], index: number): LineageStep {
  const step = steps[index];
  if (step === undefined) throw new Error(`internal error: no step ${index} in the lineage`);
  return step;
}

/** A step whose layer the store holds. */
export interface SealedStep {
  readonly index: number;
  readonly layer: LayerRecord;
}

/**
 * The last step at or after `from` that is in a layer already; undefined when none is.
 * @throws Failure `LayerKeyCollision`
 */
export async function furthestSealed(
  store: LayerStore,
  steps: readonly LineageStep[],
  from: number,
): Promise<SealedStep | undefined> {
  const found = await store.find(steps.slice(from).map(({ key }) => key));
  for (let index = steps.length - 1; index >= from; index--) {
    const step = stepAt(steps, index);
    const layer = found.get(step.key);
    if (layer === undefined) continue;
    if (layer.keyRecord !== step.record) throw keyCollision(step);
    return { index, layer };
  }
  return undefined;
}

function keyCollision(step: LineageStep): Failure {
  return new Failure({
    code: "LayerKeyCollision",
    category: "environment",
    message: `the store holds another layer under the key ${step.key} of ${step.title}`,
    hint: "remove it with `lightbox prune`, or change the step in any way",
  });
}
