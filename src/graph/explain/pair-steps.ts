import type { RecordedStep } from "./recorded-step.ts";

/**
 * For each step of `after`, the step of `before` that it was, as well as can be told: an equal title in the
 * same stage, in order; then, between two such pairs, whatever stands in the same place.
 */
export function pairSteps(
  before: readonly RecordedStep[],
  after: readonly RecordedStep[],
): readonly (RecordedStep | undefined)[] {
  const oldStages = byStage(before);
  const pairs = new Map<RecordedStep, RecordedStep>();
  for (const [stage, steps] of byStage(after)) pairStage(oldStages.get(stage) ?? [], steps, pairs);
  return after.map((step) => pairs.get(step));
}

function byStage(steps: readonly RecordedStep[]): ReadonlyMap<string, readonly RecordedStep[]> {
  return Map.groupBy(steps, (step) => step.stage);
}

function pairStage(
  before: readonly RecordedStep[],
  after: readonly RecordedStep[],
  pairs: Map<RecordedStep, RecordedStep>,
): void {
  const places = new Map<string, number[]>();
  before.forEach((step, index) => {
    const known = places.get(step.title);
    if (known === undefined) places.set(step.title, [index]);
    else known.push(index);
  });
  let nextOld = 0;
  let unpaired: RecordedStep[] = [];
  const fillGap = (endOld: number): void => {
    unpaired.forEach((step, offset) => {
      const old = nextOld + offset < endOld ? before[nextOld + offset] : undefined;
      if (old !== undefined) pairs.set(step, old);
    });
    unpaired = [];
  };
  for (const step of after) {
    const place = places.get(step.title)?.find((index) => index >= nextOld);
    const old = place === undefined ? undefined : before[place];
    if (place === undefined || old === undefined) {
      unpaired.push(step);
      continue;
    }
    fillGap(place);
    pairs.set(step, old);
    nextOld = place + 1;
  }
  fillGap(before.length);
}
