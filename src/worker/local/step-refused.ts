import type { StepFailure } from "../worker.ts";
import { GuestFileError } from "./guest-files.ts";

/** Ends a step that cannot be carried out; it becomes the step's outcome, not a failure of the bake. */
export class StepRefused extends Error {
  readonly code: string;
  readonly hint: string | null;

  constructor(code: string, message: string, hint?: string) {
    super(message);
    this.name = "StepRefused";
    this.code = code;
    this.hint = hint ?? null;
  }
}

/** The outcome of a step that threw `error`; undefined when the error is not the step's doing. */
export function stepRefusal(error: unknown): StepFailure | undefined {
  if (error instanceof StepRefused) {
    return { kind: "refused", code: error.code, message: error.message, hint: error.hint };
  }
  if (error instanceof GuestFileError) {
    return error.errno === "ENOSPC"
      ? {
          kind: "refused",
          code: "NoSpaceLeft",
          message: `no space left on the builder's disk while writing ${error.path}`,
          hint: "give it more with `RESOURCES disk=…`",
        }
      : { kind: "refused", code: "GuestFileRefused", message: error.message, hint: null };
  }
  return undefined;
}
