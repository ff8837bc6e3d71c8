import type { Plan } from "../plan.ts";
import { edgesOf } from "./edges.ts";
import type { StepStatuses } from "./step-statuses.ts";

/** For programs; the shape is described in docs/cli.md. */
export function drawJson(plan: Plan, statuses: StepStatuses): string {
  const drawing = {
    target: plan.target,
    snapshot: plan.snapshotName,
    stages: plan.stages.map((stage) => ({
      index: stage.index,
      name: stage.name,
      base: stage.base.kind === "stage" ? { stage: stage.base.index } : { image: stage.image.reference },
      imageDigest: stage.image.digest,
      diskSizeMib: stage.resources.diskSizeMib,
      steps: stage.steps.map((step) => ({
        id: step.id,
        kind: step.definition.kind,
        title: step.title,
        status: statuses.get(step.id) ?? null,
      })),
    })),
    edges: edgesOf(plan),
  };
  return `${JSON.stringify(drawing, null, 2)}\n`;
}
