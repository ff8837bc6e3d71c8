import { Command, Option } from "commander";
import type { Session } from "../session.ts";

export function lspCommand(session: Session): Command {
  return (
    new Command("lsp")
      .description("Answer an editor: the language server of Lightfiles, on stdin and stdout")
      // What editors add to the command by themselves; there is no other way to talk than this one.
      .addOption(new Option("--stdio").hideHelp())
      .addOption(new Option("--clientProcessId <id>").hideHelp())
      .action(async () => {
        const { serveEditor } = await import("../actions/serve-editor.ts");
        await serveEditor(session);
      })
  );
}
