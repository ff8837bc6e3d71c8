import { Command, Option } from "commander";
import { diagnosticsFormats } from "../../render/diagnostics/format.ts";
import type { BakeOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { addLightfileOptions, parseCpus, parseMemory, repeatable } from "./shared-options.ts";

export function bakeCommand(session: Session): Command {
  return addLightfileOptions(new Command("bake").description("Bake a Lightfile into a snapshot"), session)
    .addHelpText("after", "\n`lightbox bake --help -f Lightfile` lists the ARGs of that Lightfile, too.")
    .option("-t, --name <snapshot>", "publish under this name instead of the SNAPSHOT instruction's")
    .option(
      "--dry-run",
      "say for each step and TEST whether it is cached or will run, and why; nothing is started",
    )
    .option("--no-cache", "run every step and TEST again")
    .addOption(
      new Option("--checkpoint <policy>", "how eagerly steps are kept as layers of their own")
        .choices(["every", "auto", "final"])
        .default("auto"),
    )
    .addOption(
      repeatable(
        "--secret <id=name,src=file|env=variable>",
        "give a value to RUN --mount=type=secret; it is kept nowhere",
      ),
    )
    .addOption(
      repeatable(
        "--ssh <agent>",
        "lend an agent to RUN --mount=type=ssh: default (of SSH_AUTH_SOCK), or id=socket",
      ),
    )
    .option("--debug", "keep the builder of a failing step running, to look inside")
    .addOption(
      new Option("--progress <mode>", "how to show what happens")
        .choices(["auto", "live", "plain", "json", "quiet"])
        .default("auto"),
    )
    .addOption(
      new Option(
        "--format <format>",
        "how to print what is wrong with the Lightfile (default: text; github in GitHub Actions)",
      ).choices(diagnosticsFormats),
    )
    .option("-q, --quiet", "print the snapshot's name only")
    .option("--cpus <number>", "of the builders, instead of RESOURCES", parseCpus)
    .option("--memory <size>", "of the builders, instead of RESOURCES, e.g. 2G", parseMemory)
    .action(async (path: string, options: BakeOptions, command: Command) => {
      refuseTwoDocuments(options, command);
      const { runBake } = await import("../actions/run-bake.ts");
      session.exitCode = await runBake(
        path,
        { ...options, ...command.optsWithGlobals<{ host?: string }>() },
        session,
      );
    });
}

/** Whoever reads stdout gets one thing. */
function refuseTwoDocuments({ format, progress, quiet, dryRun }: BakeOptions, command: Command): void {
  if (format !== "json" && format !== "sarif") return;
  const other =
    progress === "json" || progress === "quiet" ? `--progress=${progress}` : quiet ? "--quiet" : "--dry-run";
  if (other === "--dry-run" && dryRun !== true) return;
  command.error(`error: --format=${format} cannot be used with ${other}: both are for whoever reads stdout`);
}
