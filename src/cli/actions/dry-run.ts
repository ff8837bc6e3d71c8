import prettyMilliseconds from "pretty-ms";
import { explainBake, type PublicationReason, type StepExplanation } from "../../bake/dry-run.ts";
import { printDiagnostics } from "../../render/diagnostic-printer.ts";
import { exitCodes } from "../exit-code.ts";
import type { BakeOptions, WorkerOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { choicesOf, setUpBake } from "./bake-setup.ts";

/** `lightbox bake --dry-run`: for each step, whether it is cached or will run, and why. */
export async function dryRun(
  path: string,
  options: BakeOptions & WorkerOptions,
  session: Session,
): Promise<number> {
  await using setup = await setUpBake(path, options, session, await choicesOf(options, session), () => {});
  const explanation = await explainBake(setup.request, setup.collaborators, session.signal);
  printDiagnostics(explanation.diagnostics, session.stderr, session.environment);
  if (explanation.kind === "invalid") return exitCodes.usage;
  if (options.progress === "json") {
    const { snapshotName, publication, steps } = explanation;
    session.stdout.write(`${JSON.stringify({ snapshot: snapshotName, publication, steps }, null, 2)}\n`);
    return exitCodes.success;
  }
  for (const step of explanation.steps) session.stdout.write(describe(step));
  const running = explanation.steps.filter((step) => step.state === "will-run").length;
  session.stdout.write(`${running} of ${explanation.steps.length} steps will run\n`);
  const { snapshotName, publication } = explanation;
  if (publication !== null)
    session.stdout.write(`${snapshotName} will be published: ${wordings[publication]}\n`);
  return exitCodes.success;
}

const wordings: Readonly<Record<PublicationReason, string>> = {
  "new-layers": "it stands for other layers",
  "other-configuration": "its layers are the same, and what is recorded with them changed",
  unknown: "no snapshot of this name is known",
};

function describe(step: StepExplanation): string {
  const duration = step.durationMs === null ? "" : ` (took ${prettyMilliseconds(step.durationMs)})`;
  const state = step.state === "cached" ? "cached  " : "will run";
  const reasons = step.reasons.map((reason) => `            because ${reason}\n`).join("");
  return `${state}  ${step.step} ${step.title}${duration}\n${reasons}`;
}
