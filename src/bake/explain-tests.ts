import { positionAt } from "../diagnostics/source-file.ts";
import type { KeyedPlan, KeyedTest } from "../graph/keys/keyed-plan.ts";
import type { LayerKey, StepId } from "../model/identifiers.ts";
import { stageAt } from "./publish.ts";
import { planTests } from "./tests.ts";
import type { WorkerIndex } from "./worker-index.ts";

export interface TestExplanation {
  readonly test: StepId;
  /** The instruction on one line. */
  readonly title: string;
  /** The file that it stands in. */
  readonly file: string;
  /** 1-based, in that file. */
  readonly line: number;
  /** `cached`: it passed on this very result before. */
  readonly state: "cached" | "will-run";
  /** Why it will run; empty when cached. */
  readonly reasons: readonly string[];
}

export interface TestKnowledge {
  readonly index: WorkerIndex;
  readonly noCache: boolean;
  /** Those of the last bake's layers; empty: nothing was baked before. */
  readonly before: ReadonlySet<LayerKey>;
}

/** Which TESTs of the target a bake would run, and why, in order. */
export function explainTests(keyed: KeyedPlan, knowledge: TestKnowledge): readonly TestExplanation[] {
  const { tests } = stageAt(keyed, keyed.plan.target);
  const pending = new Set(planTests(keyed, knowledge).pending);
  const why = reasonFor(keyed, knowledge);
  return tests.map((keyedTest: KeyedTest): TestExplanation => {
    const { id, title, source, range } = keyedTest.test;
    const runs = pending.has(keyedTest);
    return {
      test: id,
      title,
      file: source.path,
      line: positionAt(source, range.start).line,
      state: runs ? "will-run" : "cached",
      reasons: runs ? [why] : [],
    };
  });
}

function reasonFor(keyed: KeyedPlan, { noCache, before }: TestKnowledge): string {
  if (noCache) return "--no-cache was given";
  const { lastLayer } = stageAt(keyed, keyed.plan.target);
  const isNewResult = before.size > 0 && lastLayer !== null && !before.has(lastLayer);
  return isNewResult ? "the result that it tests changed" : "it has not passed on this result yet";
}
