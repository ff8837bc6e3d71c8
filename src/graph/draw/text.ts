import type { Plan, PlannedStage, PlannedStep } from "../plan.ts";
import { stageTitle } from "./edges.ts";
import type { StepStatuses } from "./step-statuses.ts";

export function drawText(plan: Plan, statuses: StepStatuses): string {
  const titles = new Map(plan.stages.map((stage) => [stage.index, stageTitle(stage)]));
  const nameOf = (index: number): string => titles.get(index) ?? `stage ${index}`;
  const blocks = plan.stages.map((stage) => {
    const base = stage.base.kind === "stage" ? nameOf(stage.base.index) : stage.image.reference;
    const lines = stage.steps.map((step, index) => {
      const branch = index === stage.steps.length - 1 ? "└─" : "├─";
      return `${branch} ${stepLine(step, nameOf, statuses)}`;
    });
    return [`${nameOf(stage.index)} from ${base}${targetMark(plan, stage)}`, ...lines].join("\n");
  });
  return `${blocks.join("\n\n")}\n`;
}

function targetMark(plan: Plan, stage: PlannedStage): string {
  if (stage.index !== plan.target) return "";
  return plan.snapshotName === null ? " [target]" : ` [target, snapshot ${plan.snapshotName}]`;
}

function stepLine(step: PlannedStep, nameOf: (index: number) => string, statuses: StepStatuses): string {
  const status = statuses.get(step.id);
  const { definition } = step;
  const copied =
    definition.kind !== "copy" || definition.source.kind === "context"
      ? null
      : definition.source.kind === "stage"
        ? nameOf(definition.source.index)
        : definition.source.image.reference;
  const mark = status === undefined ? "" : ` [${status}]`;
  return `${step.id}  ${step.title}${copied === null ? "" : `  ← ${copied}`}${mark}`;
}
