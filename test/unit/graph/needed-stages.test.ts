import { expect, test } from "vitest";
import { neededStages } from "../../../src/graph/needed-stages.ts";

test("each stage comes after those that it needs, else in ascending order", () => {
  const needs = new Map([
    [0, [4]],
    [3, [5, 0]],
    [5, [1]],
  ]);
  expect(neededStages([3, 2], (stage) => needs.get(stage) ?? [])).toEqual([4, 0, 1, 2, 5, 3]);
});

test("what no root needs is left out", () => {
  expect(neededStages([1], (stage) => (stage === 2 ? [1] : []))).toEqual([1]);
});

test("a chain of stages may be longer than a call stack", () => {
  const last = 50_000;
  const order = neededStages([0], (stage) => (stage === last ? [] : [stage + 1]));
  expect(order).toHaveLength(last + 1);
  expect(order[0]).toBe(last);
});
