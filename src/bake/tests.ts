import type { KeyedPlan, KeyedTest } from "../graph/keys/keyed-plan.ts";
import type { BakeProgress } from "./bake-progress.ts";
import type { TestFailed } from "./events.ts";
import { stageAt } from "./publish.ts";
import { runTest, type TestRunOptions } from "./test-run.ts";
import type { WorkerIndex } from "./worker-index.ts";

/** The TESTs of a bake: those of the target, in order. */
export interface PlannedTests {
  /** They passed on this very result before. */
  readonly remembered: readonly KeyedTest[];
  readonly pending: readonly KeyedTest[];
}

/** Which TESTs there are to run. A `--no-cache` bake runs all of them. */
export function planTests(
  keyed: KeyedPlan,
  { index, noCache }: { readonly index: WorkerIndex; readonly noCache: boolean },
): PlannedTests {
  const { tests } = stageAt(keyed, keyed.plan.target);
  const hasPassed = (test: KeyedTest): boolean => !noCache && index.hasPassed(test);
  return { remembered: tests.filter(hasPassed), pending: tests.filter((test) => !hasPassed(test)) };
}

/** Says of the tests that are not run that they passed. */
export function announceTests({ remembered }: PlannedTests, progress: BakeProgress): void {
  for (const { test } of remembered) {
    progress.emit({ kind: "test-passed", test: test.id, durationMs: 0, remembered: true });
  }
}

/**
 * Runs tests one after another, each in a sandbox of its own, so that none depends on whether another was run.
 * @returns the first failure; undefined when all passed
 */
export async function runTests(
  tests: readonly KeyedTest[],
  options: TestRunOptions & { readonly index: WorkerIndex },
  signal: AbortSignal,
): Promise<TestFailed | undefined> {
  for (const test of tests) {
    signal.throwIfAborted();
    const failure = await runTest(test, options, signal);
    if (failure !== undefined) return failure;
    options.index.learnPassed(test);
  }
  return undefined;
}
