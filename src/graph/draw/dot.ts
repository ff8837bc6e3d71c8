import type { Plan, PlannedStage } from "../plan.ts";
import { edgesOf, imagesOf, type Node, stageTitle } from "./edges.ts";
import type { StepStatuses } from "./step-statuses.ts";

/** For Graphviz: https://graphviz.org/doc/info/lang.html */
export function drawDot(plan: Plan, statuses: StepStatuses): string {
  const lines = [
    "digraph lightfile {",
    "  rankdir=TB;",
    '  node [shape=box, fontname="monospace"];',
    ...imagesOf(plan).map(
      (reference) => `  ${nodeId({ kind: "image", reference })} [shape=cylinder, label=${quote(reference)}];`,
    ),
    ...plan.stages.flatMap((stage) => cluster(plan, stage, statuses)),
    ...edgesOf(plan).map(
      ({ from, to, kind }) =>
        `  ${nodeId(from)} -> ${nodeId(to)}${kind === "copy" ? " [style=dashed]" : ""};`,
    ),
    "}",
  ];
  return `${lines.join("\n")}\n`;
}

function cluster(plan: Plan, stage: PlannedStage, statuses: StepStatuses): readonly string[] {
  const steps = stage.steps.map((step) => {
    const status = statuses.get(step.id);
    const label = status === undefined ? step.title : `${step.title}\n${status}`;
    return `    ${nodeId({ kind: "step", step: step.id })} [label=${quote(label)}];`;
  });
  const alone = `    ${nodeId({ kind: "stage", index: stage.index })} [shape=point];`;
  return [
    `  subgraph cluster_${stage.index} {`,
    `    label=${quote(stageTitle(stage))};`,
    ...(stage.index === plan.target ? ["    penwidth=2;"] : []),
    ...(steps.length === 0 ? [alone] : steps),
    "  }",
  ];
}

function nodeId(node: Node): string {
  switch (node.kind) {
    case "image":
      return quote(`image ${node.reference}`);
    case "step":
      return quote(`step ${node.step}`);
    case "stage":
      return quote(`stage ${node.index}`);
  }
}

function quote(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}
