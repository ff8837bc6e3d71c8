import { Command, Option } from "commander";
import type { FormatOptions } from "../options.ts";
import type { Session } from "../session.ts";

export function fmtCommand(session: Session): Command {
  return new Command("fmt")
    .description("Lay out Lightfiles in one way, without a change of meaning (docs/formatting.md)")
    .argument("[files...]", "Lightfiles, folders that hold one, or - for stdin (default: this folder)")
    .addOption(
      new Option(
        "--check",
        "name the files that are laid out otherwise; exit code 1 if there are any",
      ).conflicts("write"),
    )
    .addOption(
      new Option("--diff", "show what would change; exit code 1 if anything does").conflicts("write"),
    )
    .option("-w, --write", "write the files anew instead of printing them")
    .action(async (files: readonly string[], options: FormatOptions) => {
      const { formatLightfiles } = await import("../actions/format-lightfiles.ts");
      session.exitCode = await formatLightfiles(files, options, session);
    });
}
