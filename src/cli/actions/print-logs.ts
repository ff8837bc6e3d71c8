import { Failure } from "../../diagnostics/failure.ts";
import { withWorker } from "../../host/choose-worker.ts";
import type { LayerKey } from "../../model/identifiers.ts";
import { oneLine } from "../../render/step-directory.ts";
import type { SnapshotInspection, Worker } from "../../worker/worker.ts";
import { exitCodes } from "../exit-code.ts";
import { findLightfile, stepsOfLastBake } from "../last-bake.ts";
import type { LogsOptions } from "../options.ts";
import type { Session } from "../session.ts";

interface LoggedStep {
  /** Its number, from 1. */
  readonly name: string;
  /** As `lightbox graph` names it; null for a snapshot's. */
  readonly id: string | null;
  readonly title: string;
  readonly layer: LayerKey;
}

/** `lightbox logs TARGET [STEP]`: the kept output of a snapshot's or a Lightfile's steps. */
export async function printLogs(
  target: string,
  wanted: string | undefined,
  options: LogsOptions,
  session: Session,
): Promise<number> {
  const lightfile = await findLightfile(target, session);
  // Before a worker is opened, which may take long.
  const ofLightfile = lightfile === undefined ? null : await stepsOfLightfile(lightfile, options, session);
  return await withWorker(options, session, async (worker) => {
    const steps = ofLightfile ?? (await stepsOfSnapshot(target, worker, session.signal));
    if (steps.length === 0) session.stderr.write(`no step of ${target} changes files\n`);
    const chosen = wanted === undefined ? steps : [pick(steps, wanted)];
    for (const step of chosen) {
      const log = await worker.readLog(step.layer, session.signal);
      if (wanted === undefined) session.stdout.write(`==> ${step.name} ${oneLine(step.title)}\n`);
      if (log === undefined)
        session.stderr.write(`no output is kept of ${step.name} ${oneLine(step.title)}\n`);
      else session.stdout.write(log.endsWith("\n") || log === "" ? log : `${log}\n`);
    }
    return exitCodes.success;
  });
}

async function stepsOfSnapshot(
  name: string,
  worker: Worker,
  signal: AbortSignal,
): Promise<readonly LoggedStep[]> {
  const { history } = await findSnapshot(name, worker, signal);
  return history
    .flatMap(({ layer, title }) => (layer === null ? [] : [{ layer, title }]))
    .map((entry, index) => ({ ...entry, id: null, name: String(index + 1) }));
}

async function findSnapshot(name: string, worker: Worker, signal: AbortSignal): Promise<SnapshotInspection> {
  try {
    return await worker.inspectSnapshot(name, signal);
  } catch (error) {
    const isName =
      error instanceof Failure && ["UnknownSnapshot", "InvalidSnapshotName"].includes(error.code);
    if (!isName) throw error;
    const { code, category, hint = "`lightbox snapshots` lists them" } = error;
    const message = `there is neither a snapshot nor a Lightfile ${name}`;
    throw new Failure({ code, category, message, hint, cause: error });
  }
}

/** Of a Lightfile's last bake, also when that failed. */
async function stepsOfLightfile(
  path: string,
  options: LogsOptions,
  session: Session,
): Promise<readonly LoggedStep[]> {
  const steps = await stepsOfLastBake(path, options.target, session);
  if (steps !== null) {
    return steps.map(({ stage, title, key }, index) => {
      const place = steps.slice(0, index + 1).filter((other) => other.stage === stage).length;
      return { name: String(index + 1), id: `${stage}/${place}`, title, layer: key };
    });
  }
  throw new Failure({
    code: "NothingBaked",
    category: "usage",
    message: `${path} has not been baked here`,
    hint: "name its --target if it was baked with one, or a snapshot",
  });
}

function pick(steps: readonly LoggedStep[], wanted: string): LoggedStep {
  const found = steps.find((step) => step.name === wanted || step.id === wanted);
  if (found !== undefined) return found;
  throw new Failure({
    code: "UnknownStep",
    category: "usage",
    message: `there is no step ${wanted}`,
    hint:
      steps.length === 0
        ? "there is none that changes files"
        : `there are:\n${steps.map((step) => `${step.name}  ${oneLine(step.title)}`).join("\n")}`,
  });
}
