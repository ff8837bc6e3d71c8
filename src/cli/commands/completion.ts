import { Argument, Command } from "commander";
import { askCommand, type Shell, shells } from "../completion/scripts.ts";
import type { Session } from "../session.ts";

export function completionCommand(session: Session): Command {
  return new Command("completion")
    .description("Print the script that teaches a shell to complete lightbox's commands")
    .addArgument(new Argument("<shell>", "which shell").choices(shells))
    .action(async (shell: Shell) => {
      const { completionScript } = await import("../completion/scripts.ts");
      session.stdout.write(completionScript(shell));
    });
}

/** Not for people: what the scripts ask with every press of the tab key. */
export function completeCommand(session: Session): Command {
  return new Command(askCommand)
    .addArgument(new Argument("<form>").choices(["line", "words"]))
    .argument("[words...]")
    .passThroughOptions()
    .allowUnknownOption()
    .action(async (form: "line" | "words", words: readonly string[], _options: object, command: Command) => {
      const { completeCommandLine } = await import("../actions/complete-command-line.ts");
      // The scripts' own `--` ends our options: what follows is what people type.
      const asked = { form, words: words[0] === "--" ? words.slice(1) : words };
      if (command.parent !== null) await completeCommandLine(command.parent, asked, session);
    });
}
