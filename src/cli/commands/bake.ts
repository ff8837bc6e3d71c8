import { Command, Option } from "commander";
import type { BakeOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { addLightfileOptions, parseCpus, parseMemory, repeatable } from "./shared-options.ts";

export function bakeCommand(session: Session): Command {
  return addLightfileOptions(new Command("bake").description("Bake a Lightfile into a snapshot"), session)
    .addHelpText(
      "after",
      "\nWith a Lightfile, as in `lightbox bake --help -f Lightfile`, its ARGs are listed here.",
    )
    .option("-t, --name <snapshot>", "publish under this name instead of the SNAPSHOT instruction's")
    .option("--dry-run", "say for each step whether it is cached or will run, and why")
    .option("--no-cache", "run every step again")
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
    .addOption(new Option("--ssh <agent>", "refused: agents are not forwarded to builders").hideHelp())
    .option("--debug", "keep the builder of a failing step running, to look inside")
    .addOption(
      new Option("--progress <mode>", "how to show what happens")
        .choices(["auto", "live", "plain", "json", "quiet"])
        .default("auto"),
    )
    .option("-q, --quiet", "print the snapshot's name only")
    .option("--cpus <number>", "of the builders, instead of RESOURCES", parseCpus)
    .option("--memory <size>", "of the builders, instead of RESOURCES, e.g. 2G", parseMemory)
    .action(async (path: string, options: BakeOptions, command: Command) => {
      const { runBake } = await import("../actions/run-bake.ts");
      session.exitCode = await runBake(
        path,
        { ...options, ...command.optsWithGlobals<{ host?: string }>() },
        session,
      );
    });
}
