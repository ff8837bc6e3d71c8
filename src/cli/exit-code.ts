import type { FailureCategory } from "../diagnostics/failure.ts";
import { unreachable } from "../diagnostics/unreachable.ts";

/** The exit codes of docs/cli.md. A sandbox's command passes its own on. */
export const exitCodes = {
  success: 0,
  stepFailed: 1,
  usage: 2,
  environment: 3,
  internal: 70,
  cancelled: 130,
} as const;

export function exitCodeOf(category: FailureCategory): number {
  switch (category) {
    case "step":
      return exitCodes.stepFailed;
    case "usage":
      return exitCodes.usage;
    case "environment":
      return exitCodes.environment;
    case "cancelled":
      return exitCodes.cancelled;
    case "internal":
      return exitCodes.internal;
    default:
      return unreachable(category);
  }
}
