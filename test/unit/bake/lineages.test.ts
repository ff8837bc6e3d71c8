import { expect, test } from "vitest";
import { type PlannedWork, planLineages } from "../../../src/bake/lineages.ts";
import type { KeyedPlan } from "../../../src/graph/keys/keyed-plan.ts";
import { keyedStage, sketchPlan } from "./plan-fixture.ts";

function planWith(keyed: KeyedPlan, ...present: string[]): PlannedWork {
  return planLineages(keyed, ({ step }) => present.includes(step.id));
}

function summary(work: PlannedWork) {
  return {
    lineages: work.lineages.map(
      ({ steps, after }) => `${steps.map(({ step }) => step.id).join(" ")} after [${after}]`,
    ),
    cached: work.cached.map(({ step }) => step.step.id),
    notNeeded: work.notNeeded.map(({ step }) => step.id),
  };
}

test("with nothing in the store a stage is one lineage on the bare image", async () => {
  const keyed = await sketchPlan([{ steps: ["a", "b", "c"] }]);
  const work = planWith(keyed);
  expect(summary(work)).toEqual({ lineages: ["0/1 0/2 0/3 after []"], cached: [], notNeeded: [] });
  expect(work.lineages[0]?.parent).toBeNull();
});

test("a lineage goes on from the last layer that is there", async () => {
  const keyed = await sketchPlan([{ steps: ["a", "b", "c"] }]);
  const work = planWith(keyed, "0/1");
  expect(summary(work)).toEqual({ lineages: ["0/2 0/3 after []"], cached: ["0/1"], notNeeded: [] });
  expect(work.lineages[0]?.parent).toBe(keyedStage(keyed, 0).steps[0]?.key);
});

test("a layer that holds several steps stands for those before it, too", async () => {
  const keyed = await sketchPlan([{ steps: ["a", "b", "c"] }]);
  const work = planWith(keyed, "0/2");
  expect(summary(work).lineages).toEqual(["0/3 after []"]);
  const layer = keyedStage(keyed, 0).steps[1]?.key;
  expect(work.cached.map((cached) => cached.layer)).toEqual([layer, layer]);
  expect(work.lineages[0]?.parent).toBe(layer);
});

test("a stage FROM another starts on its last layer and waits for it", async () => {
  const keyed = await sketchPlan([{ steps: ["a"] }, { from: 0, steps: ["b"] }]);
  const work = planWith(keyed);
  expect(summary(work).lineages).toEqual(["0/1 after []", "1/1 after [0]"]);
  expect(work.lineages[1]?.parent).toBe(keyedStage(keyed, 0).lastLayer);
});

test("a stage that is copied from is waited for, and one that is cached is not", async () => {
  const keyed = await sketchPlan([{ steps: ["a"] }, { steps: ["b"] }, { steps: ["copy 0", "copy 1"] }]);
  expect(summary(planWith(keyed)).lineages.at(-1)).toBe("2/1 2/2 after [0,1]");
  expect(summary(planWith(keyed, "0/1"))).toEqual({
    lineages: ["1/1 after []", "2/1 2/2 after [1]"],
    cached: ["0/1"],
    notNeeded: [],
  });
});

test("a stage that only cached steps have read is not built again", async () => {
  const keyed = await sketchPlan([{ steps: ["a"] }, { steps: ["copy 0", "b"] }]);
  expect(summary(planWith(keyed, "1/1"))).toEqual({
    lineages: ["1/2 after []"],
    cached: ["1/1"],
    notNeeded: ["0/1"],
  });
  expect(summary(planWith(keyed, "1/2")).lineages).toEqual([]);
});

test("a stage whose own first step is there does not need its base stage", async () => {
  const keyed = await sketchPlan([{ steps: ["a"] }, { from: 0, steps: ["b", "c"] }]);
  expect(summary(planWith(keyed, "1/1"))).toEqual({
    lineages: ["1/2 after []"],
    cached: ["1/1"],
    notNeeded: ["0/1"],
  });
});

test("a target without steps needs the stage that it is FROM", async () => {
  const keyed = await sketchPlan([{ steps: ["a"] }, { from: 0, steps: [] }]);
  expect(summary(planWith(keyed)).lineages).toEqual(["0/1 after []"]);
});

test("what copies from a stage without steps waits for the stage below that one", async () => {
  const keyed = await sketchPlan([{ steps: ["a"] }, { from: 0, steps: [] }, { steps: ["copy 1"] }]);
  expect(summary(planWith(keyed)).lineages).toEqual(["0/1 after []", "2/1 after [0]"]);
});
