import { Command, Option } from "commander";
import { diagnosticsFormats } from "../../render/diagnostics/format.ts";
import type { CheckOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { addBuildArgument, repeatable } from "./shared-options.ts";

export function checkCommand(session: Session): Command {
  const command = new Command("check")
    .description("Look for mistakes and bad habits in Lightfiles (docs/rules)")
    .argument("[files...]", "Lightfiles, folders that hold one, or - for stdin (default: this folder)")
    .addOption(
      new Option(
        "--format <format>",
        "how to print findings (default: text; github in GitHub Actions)",
      ).choices(diagnosticsFormats),
    )
    .addOption(repeatable("--skip <rule>", "leave a rule out; all: every warning (repeatable)"))
    .addOption(repeatable("--error <rule>", "make a rule's findings errors (repeatable)"))
    .option("--strict", "make every warning an error")
    .option("--fix", "mend what can be mended without changing what a file means")
    .option("--no-context", "do not look whether the context has what COPY names")
    .option("-C, --context <folder>", "where COPY takes files from (default: the Lightfile's folder)")
    .option("--list-rules", "print the name and purpose of each rule")
    .action(async (files: readonly string[], options: CheckOptions) => {
      const { checkLightfiles } = await import("../actions/check-lightfiles.ts");
      session.exitCode = await checkLightfiles(files, options, session);
    });
  return addBuildArgument(command, session.environment);
}
