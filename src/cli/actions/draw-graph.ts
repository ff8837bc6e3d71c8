import { explainBake } from "../../bake/dry-run.ts";
import { drawPlan } from "../../graph/draw.ts";
import { exitCodes } from "../exit-code.ts";
import type { GraphOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { setUpBake } from "./bake-setup.ts";
import { tellFindings } from "./tell-findings.ts";

/** `lightbox graph`: the plan as text, DOT, Mermaid or JSON, with what is cached. */
export async function drawGraph(path: string, options: GraphOptions, session: Session): Promise<number> {
  await using setup = await setUpBake(path, options, session, {}, () => {});
  const explanation = await explainBake(setup.request, setup.collaborators, session.signal);
  tellFindings(explanation.diagnostics, session);
  if (explanation.kind === "invalid") return exitCodes.usage;
  const statuses = new Map(explanation.steps.map(({ step, state }) => [step, state]));
  session.stdout.write(drawPlan(explanation.plan, options.format, statuses));
  return exitCodes.success;
}
