import { Failure } from "../../diagnostics/failure.ts";
import { withWorker } from "../../host/choose-worker.ts";
import type { WorkerOptions } from "../../host/host-context.ts";
import { printFailure } from "../../render/failure-printer.ts";
import type { Worker } from "../../worker/worker.ts";
import { exitCodeOf, exitCodes } from "../exit-code.ts";
import type { Session } from "../session.ts";

export interface NamedThings extends WorkerOptions {
  readonly names: readonly string[];
}

/** Does the same to every name on the command line, and prints those for which it is done. */
export async function withEachName(
  { names, ...options }: NamedThings,
  session: Session,
  act: (worker: Worker, name: string) => Promise<void>,
): Promise<number> {
  return await withWorker(options, session, (worker) =>
    forEachName(names, session, (name) => act(worker, name)),
  );
}

/**
 * A name that is wrong is explained and does not keep the others from their turn; anything else ends the command.
 * @returns the exit code of the first wrong name
 */
async function forEachName(
  names: readonly string[],
  { stdout, stderr }: Pick<Session, "stdout" | "stderr">,
  act: (name: string) => Promise<void>,
): Promise<number> {
  let exitCode: number = exitCodes.success;
  for (const name of new Set(names)) {
    try {
      await act(name);
      stdout.write(`${name}\n`);
    } catch (error) {
      if (!(error instanceof Failure) || error.category !== "usage") throw error;
      printFailure(error, stderr);
      exitCode ||= exitCodeOf(error.category);
    }
  }
  return exitCode;
}
