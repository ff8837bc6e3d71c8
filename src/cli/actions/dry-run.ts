import prettyMilliseconds from "pretty-ms";
import { explainBake, type PublicationReason, type StepExplanation } from "../../bake/dry-run.ts";
import type { TestExplanation } from "../../bake/explain-tests.ts";
import type { WorkerOptions } from "../../host/host-context.ts";
import { exitCodes } from "../exit-code.ts";
import type { BakeOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { choicesOf, setUpBake } from "./bake-setup.ts";
import { tellFindings } from "./tell-findings.ts";

/**
 * `lightbox bake --dry-run`: for each step, whether it is cached or will run, and why. Where the bake itself would stop
 * for want of a secret or an ssh agent, so does this, with its exit code; what would run is told all the same.
 */
export async function dryRun(
  path: string,
  options: BakeOptions & WorkerOptions,
  session: Session,
): Promise<number> {
  await using setup = await setUpBake(path, options, session, await choicesOf(options, session), () => {});
  const explanation = await explainBake(setup.request, setup.collaborators, session.signal);
  const missing = explanation.kind === "explained" ? explanation.missing : [];
  tellFindings([...explanation.diagnostics, ...missing], session);
  if (explanation.kind === "invalid") return exitCodes.usage;
  const exitCode = missing.length > 0 ? exitCodes.usage : exitCodes.success;
  if (options.progress === "json") {
    const { snapshotName, publication, steps, tests } = explanation;
    const told = { snapshot: snapshotName, publication, steps, tests };
    session.stdout.write(`${JSON.stringify(told, null, 2)}\n`);
    return exitCode;
  }
  const { steps, tests } = explanation;
  for (const step of steps) session.stdout.write(describe(step.step, step, step.durationMs));
  for (const test of tests) session.stdout.write(describe(test.test, test, null));
  const counted = [
    countRunning(steps, "steps"),
    ...(tests.length === 0 ? [] : [countRunning(tests, "tests")]),
  ];
  session.stdout.write(`${counted.join(" and ")} will run\n`);
  const { snapshotName, publication } = explanation;
  if (publication !== null)
    session.stdout.write(`${snapshotName} will be published: ${wordings[publication]}\n`);
  return exitCode;
}

const wordings: Readonly<Record<PublicationReason, string>> = {
  "new-layers": "it stands for other layers",
  "other-configuration": "its layers are the same, and what is recorded with them changed",
  unknown: "no snapshot of this name is known",
};

type Explanation = Pick<StepExplanation | TestExplanation, "title" | "state" | "reasons">;

function describe(id: string, { title, state, reasons }: Explanation, durationMs: number | null): string {
  const duration = durationMs === null ? "" : ` (took ${prettyMilliseconds(durationMs)})`;
  const because = reasons.map((reason) => `            because ${reason}\n`).join("");
  return `${state === "cached" ? "cached  " : "will run"}  ${id} ${title}${duration}\n${because}`;
}

function countRunning(all: readonly Explanation[], name: string): string {
  const running = all.filter(({ state }) => state === "will-run").length;
  return `${running} of ${all.length} ${name}`;
}
