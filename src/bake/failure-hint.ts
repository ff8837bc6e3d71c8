import { stopsAtFirstFailure } from "../graph/instructions/run.ts";
import type { RunCommand } from "../model/step-operation.ts";
import type { StepFailure } from "../worker/worker.ts";

export interface FailedCommand {
  readonly reason: StepFailure;
  /** Null: the step is no command. */
  readonly command: RunCommand | null;
  /** The end of what it printed, by lines. */
  readonly outputTail: readonly string[];
}

/** Why a command may have failed, where that is lightbox's doing or not what somebody who knows Dockerfiles expects. */
export function failureHint({ reason, command, outputTail }: FailedCommand): string | null {
  if (reason.kind !== "exit" || command === null) return null;
  const program = command.kind === "argv" ? command.argv[0] : undefined;
  if (program !== undefined && outputTail.at(-1) === notFound(program)) {
    return `the stage has no ${program}, or not what starts it (the interpreter of a script, the loader of a dynamic program): copy it from a stage that has it, choose another base, or name a program that is there in the JSON form`;
  }
  if (!stopsAtFirstFailure(command)) return null;
  return "a heredoc script stops at its first line that fails; with set +e as its first line it goes on, as in a Dockerfile";
}

/** What the helper in the guest prints of a program that is not there. */
function notFound(program: string): string {
  return `lightbox: ${program}: not found`;
}
