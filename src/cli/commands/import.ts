import { Command, Option } from "commander";
import type { ImportCommandOptions } from "../actions/import-dockerfile.ts";
import type { Session } from "../session.ts";

export function importCommand(session: Session): Command {
  return new Command("import")
    .description("Make a Lightfile of a Dockerfile, and list what could not be carried over")
    .argument("[dockerfile]", "a Dockerfile, a folder that holds one, or - for stdin", "Dockerfile")
    .option("-o, --output <file>", "where to write; - is stdout (default: Lightfile beside the Dockerfile)")
    .option("-t, --name <snapshot>", "the name for SNAPSHOT (default: the folder's)")
    .option("--force", "write over a file that is there")
    .addOption(
      new Option("--format <format>", "how to print the list").choices(["text", "json"]).default("text"),
    )
    .action(async (dockerfile: string, options: ImportCommandOptions) => {
      const { runImport } = await import("../actions/import-dockerfile.ts");
      session.exitCode = await runImport(dockerfile, options, session);
    });
}
