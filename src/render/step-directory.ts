import type { Planned, PlannedStageSummary } from "../bake/events.ts";
import type { StepId } from "../model/identifiers.ts";
import { plainText } from "./printable-text.ts";

export interface StepEntry {
  readonly id: StepId;
  /** e.g. `[build 2/5]` */
  readonly label: string;
  readonly title: string;
}

/** What the plan says of each step, in plan order. */
export class StepDirectory {
  readonly #entries = new Map<StepId, StepEntry>();
  #stepCount = 0;

  fill(plan: Planned): void {
    for (const stage of plan.stages) {
      const name = stageLabel(stage, plan.stages.length);
      for (const [position, step] of stage.steps.entries()) {
        const label = `[${name}${position + 1}/${stage.steps.length}]`;
        this.#entries.set(step.id, { id: step.id, label, title: oneLine(step.title) });
        this.#stepCount += 1;
      }
    }
    for (const [position, test] of plan.tests.entries()) {
      const label = `[test ${position + 1}/${plan.tests.length}]`;
      this.#entries.set(test.id, { id: test.id, label, title: oneLine(test.title) });
    }
  }

  /** How many steps there are; tests are none. */
  get size(): number {
    return this.#stepCount;
  }

  /** Of a step or a test. */
  entry(step: StepId): StepEntry {
    return this.#entries.get(step) ?? { id: step, label: `[${step}]`, title: "" };
  }
}

function stageLabel(stage: PlannedStageSummary, stageCount: number): string {
  if (stage.name !== null) return `${oneLine(stage.name)} `;
  return stageCount > 1 ? `stage-${stage.index} ` : "";
}

/** Printable, without tabs and line ends. */
export function oneLine(text: string): string {
  return plainText(text).replace(/\s+/g, " ").trim();
}
