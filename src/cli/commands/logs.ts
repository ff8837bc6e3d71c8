import { Command } from "commander";
import type { LogsOptions } from "../options.ts";
import type { Session } from "../session.ts";

export function logsCommand(session: Session): Command {
  return new Command("logs")
    .description("Print the whole output of a snapshot's or Lightfile's steps")
    .argument("[target]", "a snapshot, or a Lightfile whose last bake is meant", ".")
    .argument("[step]", "only this step: its number when all are printed, or its id in `lightbox graph`")
    .option("--target <stage>", "the stage, if the Lightfile was baked with one")
    .action(async (target: string, step: string | undefined, _options: object, command: Command) => {
      const { printLogs } = await import("../actions/print-logs.ts");
      session.exitCode = await printLogs(target, step, command.optsWithGlobals<LogsOptions>(), session);
    });
}
