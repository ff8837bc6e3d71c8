import { Command } from "commander";
import { probeChildCommand } from "../../host/virtualization.ts";
import type { Session } from "../session.ts";

/** Not for people: what the probe of hardware virtualization runs, so that it can be killed when it hangs. */
export function probeChild(session: Session): Command {
  return new Command(probeChildCommand).action(async () => {
    const { bootProbeSandbox } = await import("../../machine/probe-child.ts");
    const boot = await bootProbeSandbox(session.home.machine);
    if (boot.problem !== null) session.stderr.write(`${boot.problem}\n`);
    session.exitCode = boot.exitCode;
  });
}
