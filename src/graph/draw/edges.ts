import type { StepId } from "../../model/identifiers.ts";
import type { Plan, PlannedStage } from "../plan.ts";

/** A place in the drawing: an image, the step with an id, or a stage that has no steps of its own. */
export type Node =
  | { readonly kind: "image"; readonly reference: string }
  | { readonly kind: "step"; readonly step: StepId }
  | { readonly kind: "stage"; readonly index: number };

export interface Edge {
  readonly from: Node;
  readonly to: Node;
  /** `next`: stands on it; `copy`: copies files from it. */
  readonly kind: "next" | "copy";
}

/** What a stage's result is: its last step, or the stage itself when it has none. */
function endOf(stage: PlannedStage): Node {
  const last = stage.steps.at(-1);
  return last === undefined ? { kind: "stage", index: stage.index } : { kind: "step", step: last.id };
}

/** Every edge of the plan, in its order. */
export function edgesOf(plan: Plan): readonly Edge[] {
  const ends = new Map(plan.stages.map((stage) => [stage.index, endOf(stage)]));
  const end = (index: number): Node => ends.get(index) ?? { kind: "stage", index };
  const edges: Edge[] = [];
  for (const stage of plan.stages) {
    const below: Node =
      stage.base.kind === "stage"
        ? end(stage.base.index)
        : { kind: "image", reference: stage.image.reference };
    let previous = below;
    for (const { id, definition } of stage.steps) {
      const to: Node = { kind: "step", step: id };
      edges.push({ from: previous, to, kind: "next" });
      if (definition.kind === "copy" && definition.source.kind !== "context") {
        const from: Node =
          definition.source.kind === "stage"
            ? end(definition.source.index)
            : { kind: "image", reference: definition.source.image.reference };
        edges.push({ from, to, kind: "copy" });
      }
      previous = to;
    }
    if (stage.steps.length === 0) edges.push({ from: below, to: endOf(stage), kind: "next" });
  }
  return edges;
}

/** The references of all images in the plan, each once. */
export function imagesOf(plan: Plan): readonly string[] {
  const images = edgesOf(plan).flatMap(({ from }) => (from.kind === "image" ? [from.reference] : []));
  return [...new Set(images)];
}

/** What people call a stage: its name and number. */
export function stageTitle(stage: PlannedStage): string {
  return stage.name === null ? `stage ${stage.index}` : `${stage.name} (stage ${stage.index})`;
}
