import { Command } from "commander";
import type { Session } from "../session.ts";
import { tableOrJson } from "./shared-options.ts";

export function psCommand(session: Session): Command {
  return new Command("ps")
    .description("List sandboxes")
    .option("-q, --quiet", "names only")
    .option("--health", "run the HEALTHCHECK of each running sandbox, and show what it says")
    .addOption(tableOrJson())
    .action(async (options: { quiet?: boolean; health?: boolean; format: string }, command: Command) => {
      const { listSandboxes } = await import("../actions/sandboxes.ts");
      session.exitCode = await listSandboxes(
        { ...options, ...command.optsWithGlobals<{ host?: string }>() },
        session,
      );
    });
}

export function stopCommand(session: Session): Command {
  return new Command("stop")
    .description("Stop sandboxes; their disks are kept until rm")
    .argument("<sandbox...>", "names")
    .action(async (names: string[], _options: object, command: Command) => {
      const { stopSandboxes } = await import("../actions/sandboxes.ts");
      session.exitCode = await stopSandboxes(names, command.optsWithGlobals<{ host?: string }>(), session);
    });
}

export function rmCommand(session: Session): Command {
  return new Command("rm")
    .description("Remove sandboxes and their disks")
    .argument("<sandbox...>", "names")
    .option("-f, --force", "stop running ones first")
    .action(async (names: string[], options: { force?: boolean }, command: Command) => {
      const { removeSandboxes } = await import("../actions/sandboxes.ts");
      session.exitCode = await removeSandboxes(
        names,
        { ...options, ...command.optsWithGlobals<{ host?: string }>() },
        session,
      );
    });
}
