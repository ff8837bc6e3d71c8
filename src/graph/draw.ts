import { unreachable } from "../diagnostics/unreachable.ts";
import type { StepId } from "../model/identifiers.ts";
import { drawDot } from "./draw/dot.ts";
import { drawJson } from "./draw/json.ts";
import { drawMermaid } from "./draw/mermaid.ts";
import { drawText } from "./draw/text.ts";
import type { Plan } from "./plan.ts";

export type DrawingFormat = "text" | "dot" | "mermaid" | "json";

export const drawingFormats: readonly DrawingFormat[] = ["text", "dot", "mermaid", "json"];

/** A word per step, e.g. `cached`, shown beside it. */
export type StepStatuses = ReadonlyMap<StepId, string>;

/** The step DAG as text that ends with a line feed; stages are clusters. */
export function drawPlan(plan: Plan, format: DrawingFormat, statuses: StepStatuses = new Map()): string {
  switch (format) {
    case "text":
      return drawText(plan, statuses);
    case "dot":
      return drawDot(plan, statuses);
    case "mermaid":
      return drawMermaid(plan, statuses);
    case "json":
      return drawJson(plan, statuses);
    default:
      return unreachable(format);
  }
}
