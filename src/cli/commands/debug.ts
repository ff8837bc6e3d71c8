import { Command } from "commander";
import type { LogsOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { commandWords } from "./shared-options.ts";

export function debugCommand(session: Session): Command {
  return new Command("debug")
    .description("Boot the disk of a failed step as it failed, and open a shell in it")
    .argument("[lightfile]", "whose last bake failed; or the failed layer's key", ".")
    .argument("[command...]", "what to run instead of a shell")
    .option("--target <stage>", "the stage, if the Lightfile was baked with one")
    .passThroughOptions()
    .action(async (target: string, words: string[], _options: object, command: Command) => {
      const { debugFailedStep } = await import("../actions/debug-failed-step.ts");
      session.exitCode = await debugFailedStep(
        target,
        commandWords(words),
        command.optsWithGlobals<LogsOptions>(),
        session,
      );
    });
}
