import { Command } from "commander";
import type { Session } from "../session.ts";

export function logsCommand(session: Session): Command {
  return new Command("logs")
    .description("Print the whole output of a snapshot's or Lightfile's steps")
    .argument("<target>", "a snapshot, or a Lightfile whose last bake is meant")
    .argument("[step]", "only this step: its number or id in the bake's progress, e.g. 3 or build/2")
    .action(async (target: string, step: string | undefined, _options: object, command: Command) => {
      const { printLogs } = await import("../actions/print-logs.ts");
      session.exitCode = await printLogs(target, step, command.optsWithGlobals<{ host?: string }>(), session);
    });
}
