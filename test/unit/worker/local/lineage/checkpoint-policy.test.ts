import { expect, test } from "vitest";
import { shouldSeal, updatedSealCost } from "../../../../../src/worker/local/lineage/checkpoint-policy.ts";

const question = { unsealedRunMs: 5_000, sealCostMs: 1_000, isLastStep: false } as const;

test("the last step is sealed whatever the policy", () => {
  for (const policy of ["every", "auto", "final"] as const) {
    expect(shouldSeal({ ...question, policy, unsealedRunMs: 0, isLastStep: true })).toBe(true);
  }
});

test("`every` seals each step and `final` none before the last", () => {
  expect(shouldSeal({ ...question, policy: "every", unsealedRunMs: 0 })).toBe(true);
  expect(shouldSeal({ ...question, policy: "final", unsealedRunMs: 1e9 })).toBe(false);
});

test("`auto` seals once rerunning in fifty later bakes would cost more than sealing", () => {
  expect(shouldSeal({ ...question, policy: "auto", unsealedRunMs: 21 })).toBe(true);
  expect(shouldSeal({ ...question, policy: "auto", unsealedRunMs: 19 })).toBe(false);
});

test("the average cost starts with the first measurement and follows later ones slowly", () => {
  expect(updatedSealCost(undefined, 800)).toBe(800);
  expect(updatedSealCost(1_000, 2_000)).toBe(1_300);
});
