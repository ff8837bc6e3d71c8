import { stopsAtFirstFailure } from "../graph/instructions/run.ts";
import type { RunCommand } from "../model/step-operation.ts";
import type { StepFailure } from "../worker/worker.ts";

/** What the language does otherwise than somebody who knows Dockerfiles expects, and may be why a command failed. */
export function failureHint(reason: StepFailure, command: RunCommand | null): string | null {
  if (reason.kind !== "exit" || command === null || !stopsAtFirstFailure(command)) return null;
  return "a heredoc script stops at its first line that fails; with set +e as its first line it goes on, as in a Dockerfile";
}
