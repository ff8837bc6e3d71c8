import type { BakeCollaborators, BakeOutcome, BakeRequest } from "./bake-request.ts";

/**
 * Bakes a target: parse, resolve the bases, plan, read the context, key, look up, run what is missing, publish.
 * @throws Failure for trouble with the environment only; a wrong Lightfile, a failed step and a cancelled bake are
 *   outcomes.
 */
export async function bake(
  request: BakeRequest,
  collaborators: BakeCollaborators,
  signal: AbortSignal,
): Promise<BakeOutcome> {
  signal.throwIfAborted();
  throw new Error(
    `internal error: bake of ${request.lightfile.path} by ${collaborators.workerName} is not wired yet`,
  );
}
