import { Command } from "commander";
import type { ExecOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { CommandWithWords } from "./command-with-words.ts";
import { environmentHelp, repeatable } from "./shared-options.ts";

export function execCommand(session: Session): Command {
  return new CommandWithWords("exec")
    .description("Run a command in a running sandbox")
    .argument("<sandbox>")
    .argument("<command...>")
    .option("-i, --interactive", "pass input on (the default)")
    .option("-t, --tty", "give the command a terminal (default when stdin and stdout are terminals)")
    .addOption(repeatable("-e, --env <name=value>", environmentHelp))
    .option("-w, --workdir <path>", "start in this folder")
    .option("-u, --user <user[:group]>", "run as this user")
    .action(async (sandbox: string, words: string[], options: ExecOptions, command: Command) => {
      const { execInSandbox } = await import("../actions/exec-in-sandbox.ts");
      session.exitCode = await execInSandbox(
        sandbox,
        words,
        { ...options, ...command.optsWithGlobals<{ host?: string }>() },
        session,
      );
    });
}

export function shellCommand(session: Session): Command {
  return new Command("shell")
    .description("Open a shell in a running sandbox")
    .argument("<sandbox>")
    .option("-u, --user <user[:group]>", "be this user")
    .action(async (sandbox: string, options: { user?: string }, command: Command) => {
      const { execInSandbox } = await import("../actions/exec-in-sandbox.ts");
      session.exitCode = await execInSandbox(
        sandbox,
        null,
        { env: [], ...options, ...command.optsWithGlobals<{ host?: string }>() },
        session,
      );
    });
}
