import type { StepOperation } from "../../model/step-operation.ts";
import { StepRefused } from "./step-refused.ts";

/**
 * Refuses what this worker cannot carry out yet: a step must not do less than it says.
 * @throws StepRefused `NotSupportedYet`
 */
export function refuseUnsupported(operation: StepOperation): void {
  const what = unsupportedPart(operation);
  if (what !== null) throw new StepRefused("NotSupportedYet", `this worker cannot do ${what} yet`);
}

function unsupportedPart(operation: StepOperation): string | null {
  if (operation.kind === "run") {
    if (operation.mounts.length > 0) return "RUN --mount";
    if (typeof operation.network !== "string") return "RUN --network with hosts";
    if (operation.timeoutSeconds !== null) return "RUN --timeout";
    if (operation.retries > 0) return "RUN --retry";
    if (operation.outputVariable !== null || operation.outputVariables.length > 0) return "ENV --from-output";
    return null;
  }
  if (operation.kind !== "copy") return null;
  const { source } = operation;
  if (source.kind === "context") {
    return source.sources.some(({ kind }) => kind === "archive") ? "ADD of archives" : null;
  }
  return source.excludes.length > 0 || source.keepsParents || source.ifExists
    ? "COPY --from with --exclude, --parents or --if-exists"
    : null;
}
