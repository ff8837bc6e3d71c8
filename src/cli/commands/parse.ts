import { Command, Option } from "commander";
import type { Session } from "../session.ts";

export function parseCommand(session: Session): Command {
  return new Command("parse")
    .description("Print what a Lightfile says, as data for other tools (docs/syntax-tree.md)")
    .argument("[file]", "a Lightfile, a folder that holds one, or - for stdin", ".")
    .addOption(new Option("--format <format>", "how to print it").choices(["json"]).default("json"))
    .action(async (file: string) => {
      const { printDocument } = await import("../actions/print-document.ts");
      session.exitCode = await printDocument(file, session);
    });
}
