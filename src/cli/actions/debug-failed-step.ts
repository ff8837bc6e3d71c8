import { randomBytes } from "node:crypto";
import { Failure } from "../../diagnostics/failure.ts";
import { withWorker } from "../../host/choose-worker.ts";
import { isLayerKey, type LayerKey } from "../../model/identifiers.ts";
import { oneLine } from "../../render/step-directory.ts";
import { shellOf } from "../../sandboxes/default-command.ts";
import type { Worker } from "../../worker/worker.ts";
import { formatAge } from "../age.ts";
import { findLightfile, stepsOfLastBake } from "../last-bake.ts";
import type { LogsOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { execWithTerminal } from "./exec-in-sandbox.ts";

/** `lightbox debug`: boots a failed step's disk in a sandbox of its own, runs a shell in it, and removes it. */
export async function debugFailedStep(
  target: string,
  words: readonly string[],
  options: LogsOptions,
  session: Session,
): Promise<number> {
  const steps = isLayerKey(target) ? null : await stepsToDebug(target, options, session);
  return await withWorker(options, session, async (worker) => {
    const layer = isLayerKey(target)
      ? target
      : await failedLayerAmong(steps ?? [], { target, worker, session });
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
        argv: words.length > 0 ? words : shellOf(sandbox.configuration),
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

/** The keys of the last bake's steps; looked up before a worker is opened, which may take long. */
async function stepsToDebug(
  target: string,
  options: LogsOptions,
  session: Session,
): Promise<readonly LayerKey[]> {
  const lightfile = await findLightfile(target, session);
  if (lightfile === undefined) {
    throw new Failure({
      code: "LightfileNotFound",
      category: "usage",
      message: `there is no Lightfile ${target}`,
      hint: "name the Lightfile whose bake failed, its folder, or the key of the failed layer",
    });
  }
  const steps = (await stepsOfLastBake(lightfile, options.target, session)) ?? [];
  if (steps.length === 0) throw nothingToDebug(target);
  return steps.map((step) => step.key);
}

async function failedLayerAmong(
  keys: readonly LayerKey[],
  {
    target,
    worker,
    session,
  }: { readonly target: string; readonly worker: Worker; readonly session: Session },
): Promise<LayerKey> {
  const found = await worker.findDebugLayer(keys, session.signal);
  if (found === undefined) throw nothingToDebug(target);
  session.stderr.write(`the disk as ${oneLine(found.failedStep)} left it, ${formatAge(found.createdAt)}\n`);
  return found.layer;
}

function nothingToDebug(target: string): Failure {
  return new Failure({
    code: "NothingToDebug",
    category: "usage",
    message: `no failed step of ${target} is kept`,
    hint: "the failed step of a Lightfile's last bake is kept until `lightbox prune`; name its --target if it had one",
  });
}
