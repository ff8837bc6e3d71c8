import type { Command } from "commander";
import type { LogsOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { CommandWithWords } from "./command-with-words.ts";

export function debugCommand(session: Session): Command {
  return new CommandWithWords("debug")
    .description("Boot the disk of a failed step as it failed, and open a shell in it")
    .argument("[lightfile]", "whose last bake failed; or the failed layer's key", ".")
    .argument("[command...]", "what to run instead of a shell")
    .option("--target <stage>", "the stage, if the Lightfile was baked with one")
    .action(async (target: string, words: string[], _options: object, command: Command) => {
      const { debugFailedStep } = await import("../actions/debug-failed-step.ts");
      session.exitCode = await debugFailedStep(
        target,
        words,
        command.optsWithGlobals<LogsOptions>(),
        session,
      );
    });
}
