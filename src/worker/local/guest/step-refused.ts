import type { StepFailure } from "../../worker.ts";
import { GuestFileError } from "../microvm/guest-file.ts";

/** Ends a step that cannot be carried out; it becomes the step's outcome, not a failure of the bake. */
export class StepRefused extends Error {
  readonly code: string;
  readonly hint: string | null;

  constructor(code: string, message: string, hint?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StepRefused";
    this.code = code;
    this.hint = hint ?? null;
  }
}

/** What `COPY`, a `WORKDIR` or a destination needs as a directory is there as something else. */
export function notADirectory(path: string): StepRefused {
  return new StepRefused(
    "NotADirectory",
    `${path} has to be a directory and is there as something else`,
    "choose another path, or remove what is there in an earlier RUN",
  );
}

/** @param reason as the guest's agent gives it, naming the program */
export function commandNotStarted(reason: string): StepRefused {
  return new StepRefused(
    "CommandNotStarted",
    reason,
    "check the program's path in the guest, that it may be executed, and that the interpreter that it names is there",
  );
}

/** The outcome of a step that threw `error`; undefined when the error is not the step's doing. */
export function stepRefusal(error: unknown): StepFailure | undefined {
  if (error instanceof StepRefused) {
    return { kind: "refused", code: error.code, message: error.message, hint: error.hint };
  }
  if (!(error instanceof GuestFileError)) return undefined;
  if (error.errno === "ENOSPC") {
    return {
      kind: "refused",
      code: "NoSpaceLeft",
      message: `no space left on the builder's disk while writing ${error.path}`,
      hint: "give it more with `RESOURCES disk=…`",
    };
  }
  const hint = refusalHints[error.errno] ?? "look at that path in the guest: `lightbox debug`";
  return { kind: "refused", code: "GuestFileRefused", message: error.message, hint };
}

const refusalHints: Readonly<Record<string, string>> = {
  EROFS: "that place is read-only in the guest: choose another one",
  EBUSY: "something is mounted there in the guest: choose another place",
  EPERM: "the guest's kernel keeps that place from changes: choose another one",
  EACCES: "the guest's kernel keeps that place from changes: choose another one",
  ENAMETOOLONG: "a name may have 255 bytes: shorten it",
  ELOOP: "links lead round in a circle there: mend them in an earlier RUN",
};
