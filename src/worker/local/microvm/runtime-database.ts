import { Failure } from "../../../diagnostics/failure.ts";

/**
 * microsandbox keeps a database of its microVMs. When the disk is full while it writes there, the process that wrote
 * goes on holding the database's lock, and no microVM can be started from it any more: it has to be started anew.
 */
function runtimeDatabaseFailure(error: unknown): Failure | undefined {
  const evidence = messagesOf(error).join("\n");
  if (/database or disk is full/i.test(evidence)) {
    return new Failure({
      code: "NoSpaceLeft",
      category: "environment",
      message: "no space left where the worker keeps its microVMs",
      hint: "free some: `lightbox prune` removes layers that nothing needs",
      cause: error,
    });
  }
  if (/database is locked/i.test(evidence)) {
    return new Failure({
      code: "RuntimeDatabaseLocked",
      category: "environment",
      message:
        "microsandbox's database is held by another process, or by this worker since its disk was full",
      hint: "try again in a moment; if that does not help, start the worker anew (`lightbox machine stop`)",
      cause: error,
    });
  }
  return undefined;
}

function messagesOf(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [String(error)];
  return [error.message, ...(error.cause === undefined ? [] : messagesOf(error.cause))];
}

/** Runs what uses the runtime; tells `onStuck` when this process can start no microVM any more. */
export async function withRuntimeDatabase<Result>(
  work: () => Promise<Result>,
  onStuck: () => void,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const failure = runtimeDatabaseFailure(error);
    if (failure === undefined) throw error;
    onStuck();
    throw failure;
  }
}
