import type { Plan, PlannedStage } from "../plan.ts";
import { edgesOf, imagesOf, type Node, stageTitle } from "./edges.ts";
import type { StepStatuses } from "./step-statuses.ts";

/** For Mermaid: https://mermaid.js.org/syntax/flowchart.html */
export function drawMermaid(plan: Plan, statuses: StepStatuses): string {
  const images = imagesOf(plan);
  const steps = plan.stages.flatMap((stage) => stage.steps.map((step) => step.id));
  // Mermaid's own names cannot hold every character: nodes are numbered.
  const nodeId = (node: Node): string => {
    switch (node.kind) {
      case "image":
        return `image${images.indexOf(node.reference)}`;
      case "step":
        return `step${numbers.get(node.step) ?? 0}`;
      case "stage":
        return `end${node.index}`;
    }
  };
  const numbers = new Map(steps.map((step, index) => [step, index]));
  const subgraph = (stage: PlannedStage): readonly string[] => [
    `  subgraph stage${stage.index}[${quote(stageTitle(stage))}]`,
    ...(stage.steps.length === 0 ? [`    ${nodeId({ kind: "stage", index: stage.index })}((" "))`] : []),
    ...stage.steps.map((step) => {
      const status = statuses.get(step.id);
      const label = quote(status === undefined ? step.title : `${step.title} [${status}]`);
      return `    ${nodeId({ kind: "step", step: step.id })}[${label}]`;
    }),
    "  end",
  ];
  const lines = [
    "flowchart TB",
    ...images.map((reference) => `  ${nodeId({ kind: "image", reference })}[(${quote(reference)})]`),
    ...plan.stages.flatMap(subgraph),
    ...edgesOf(plan).map(
      ({ from, to, kind }) => `  ${nodeId(from)} ${kind === "copy" ? "-.->" : "-->"} ${nodeId(to)}`,
    ),
  ];
  return `${lines.join("\n")}\n`;
}

/** Quoted labels take any text but quotes and what looks like an entity or a tag. */
function quote(text: string): string {
  const escaped = text
    .replaceAll("#", "#35;")
    .replaceAll('"', "#quot;")
    .replaceAll("<", "#lt;")
    .replaceAll(">", "#gt;");
  return `"${escaped}"`;
}
