import { unreachable } from "../diagnostics/unreachable.ts";
import { drawDot } from "./draw/dot.ts";
import { drawJson } from "./draw/json.ts";
import { drawMermaid } from "./draw/mermaid.ts";
import type { StepStatuses } from "./draw/step-statuses.ts";
import { drawText } from "./draw/text.ts";
import type { Plan } from "./plan.ts";

export type DrawingFormat = "text" | "dot" | "mermaid" | "json";

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
