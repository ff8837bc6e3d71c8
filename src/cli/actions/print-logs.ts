import { explainBake } from "../../bake/dry-run.ts";
import { Failure } from "../../diagnostics/failure.ts";
import type { LayerKey } from "../../model/identifiers.ts";
import type { Worker } from "../../worker/worker.ts";
import { isLightfilePath } from "../is-lightfile-path.ts";
import { type WorkerOptions, withWorker } from "../open-worker.ts";
import type { Session } from "../session.ts";
import { setUpBake } from "./bake-setup.ts";

interface LoggedStep {
  /** `3` in a snapshot's history, `build/2` in a Lightfile. */
  readonly name: string;
  readonly title: string;
  readonly layer: LayerKey;
}

/** `lightbox logs TARGET [STEP]`: the kept output of a snapshot's or a Lightfile's steps. */
export async function printLogs(
  target: string,
  wanted: string | undefined,
  options: WorkerOptions,
  session: Session,
): Promise<number> {
  return await withWorker(options, session, async (worker) => {
    const steps = (await isLightfilePath(target, session))
      ? await stepsOfLightfile(target, options, session)
      : await stepsOfSnapshot(target, worker, session.signal);
    const chosen = wanted === undefined ? steps : [pick(steps, wanted)];
    for (const step of chosen) {
      const log = await worker.readLog(step.layer, session.signal);
      if (wanted === undefined) session.stdout.write(`==> ${step.name} ${step.title}\n`);
      if (log === undefined) session.stderr.write(`no output is kept of ${step.name} ${step.title}\n`);
      else session.stdout.write(log.endsWith("\n") || log === "" ? log : `${log}\n`);
    }
    return 0;
  });
}

async function stepsOfSnapshot(name: string, worker: Worker, signal: AbortSignal): Promise<readonly LoggedStep[]> {
  const { history } = await worker.inspectSnapshot(name, signal);
  return history
    .flatMap(({ layer, title }) => (layer === null ? [] : [{ layer, title }]))
    .map((entry, index) => ({ ...entry, name: String(index + 1) }));
}

/** Of a Lightfile, as it stands: also the steps of a bake that failed. */
async function stepsOfLightfile(
  path: string,
  options: WorkerOptions,
  session: Session,
): Promise<readonly LoggedStep[]> {
  await using setup = await setUpBake(path, { ...options, buildArg: {} }, session, {}, () => {});
  const explanation = await explainBake(setup.request, setup.collaborators, session.signal);
  if (explanation.kind === "invalid") {
    throw new Failure({
      code: "InvalidLightfile",
      category: "usage",
      message: `${path} has mistakes`,
      diagnostics: explanation.diagnostics.filter(({ severity }) => severity === "error"),
    });
  }
  return explanation.steps.map((step) => ({ name: step.step, title: step.title, layer: step.layer }));
}

function pick(steps: readonly LoggedStep[], wanted: string): LoggedStep {
  const found = steps.find((step) => step.name === wanted) ?? steps[Number(wanted) - 1];
  if (found !== undefined) return found;
  throw new Failure({
    code: "UnknownStep",
    category: "usage",
    message: `there is no step ${wanted}`,
    hint: `there are ${steps.map((step) => step.name).join(", ") || "none that changes files"}`,
  });
}
