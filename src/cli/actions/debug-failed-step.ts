import { randomBytes } from "node:crypto";
import { explainBake } from "../../bake/dry-run.ts";
import { Failure } from "../../diagnostics/failure.ts";
import { isLayerKey, type LayerKey } from "../../model/identifiers.ts";
import type { Worker } from "../../worker/worker.ts";
import { type WorkerOptions, withWorker } from "../open-worker.ts";
import type { Session } from "../session.ts";
import { setUpBake } from "./bake-setup.ts";
import { execWithTerminal, shellArgv } from "./exec-in-sandbox.ts";

/** `lightbox debug`: boots a failed step's disk in a sandbox of its own, runs a shell in it, and removes it. */
export async function debugFailedStep(
  target: string,
  words: readonly string[],
  options: WorkerOptions,
  session: Session,
): Promise<number> {
  return await withWorker(options, session, async (worker) => {
    const layer = isLayerKey(target) ? target : await failedLayerOf(target, worker, options, session);
    const sandbox = await worker.launchSandbox(
      {
        name: `debug-${randomBytes(3).toString("hex")}`,
        from: { kind: "debug", layer },
        resources: {},
        environment: {},
        workingDirectory: null,
        user: null,
        ports: [],
        mounts: [],
        replace: false,
        network: "default",
        idleTimeoutSeconds: null,
      },
      session.signal,
    );
    try {
      return await execWithTerminal(worker, {
        sandbox,
        argv: words.length > 0 ? words : shellArgv(sandbox),
        environment: {},
        workingDirectory: null,
        user: null,
        terminal: {},
        session,
      });
    } finally {
      await worker.removeSandbox(sandbox.name, { force: true }, AbortSignal.timeout(30_000));
    }
  });
}

async function failedLayerOf(
  path: string,
  worker: Worker,
  options: WorkerOptions,
  session: Session,
): Promise<LayerKey> {
  await using setup = await setUpBake(path, { ...options, buildArg: {} }, session, {}, () => {});
  const explanation = await explainBake(setup.request, setup.collaborators, session.signal);
  const keys = explanation.kind === "explained" ? explanation.steps.map((step) => step.layer) : [];
  const found = await worker.findDebugLayer(keys, session.signal);
  if (found !== undefined) return found.layer;
  throw new Failure({
    code: "NothingToDebug",
    category: "usage",
    message: `no failed step of ${path} is kept`,
    hint: "a failed step is kept until it succeeds, the Lightfile's steps up to it change, or `lightbox prune` removes it",
  });
}
