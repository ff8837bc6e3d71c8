import type { Command } from "commander";
import type { RunOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { CommandWithWords } from "./command-with-words.ts";
import { environmentHelp, parseCpus, parseMemory, repeatable } from "./shared-options.ts";

export function runCommand(session: Session): Command {
  return new CommandWithWords("run")
    .description("Boot a sandbox from a snapshot and run a command in it")
    .argument("<snapshot>", "NAME or NAME@previous")
    .argument("[command...]", "what to run instead of the snapshot's ENTRYPOINT and CMD")
    .option("--name <sandbox>", "the sandbox's name (default: made up)")
    .option("--rm", "remove the sandbox when the command ends")
    .option("-d, --detach", "boot the sandbox, print its name, start its command if it has one, and return")
    .option("--wait-healthy", "with --detach: return when its HEALTHCHECK says that it is healthy")
    .option("-i, --interactive", "pass input on (the default)")
    .option("-t, --tty", "give the command a terminal (default when stdin and stdout are terminals)")
    .addOption(repeatable("-e, --env <name=value>", environmentHelp))
    .addOption(
      repeatable(
        "-p, --publish <[address:]host:guest[/udp]>",
        "reach a port of the sandbox from this host, at 127.0.0.1 unless an address is given",
      ),
    )
    .option(
      "-P, --publish-all",
      "publish every port that EXPOSE names, at free ports of 127.0.0.1; ps shows them",
    )
    .addOption(
      repeatable("-v, --volume <source:path[:ro]>", "mount a folder of this host, or a named volume"),
    )
    .option("-w, --workdir <path>", "start in this folder")
    .option("-u, --user <user[:group]>", "run as this user")
    .option("--cpus <number>", "virtual CPUs", parseCpus)
    .option("--memory <size>", "e.g. 512M or 2G", parseMemory)
    .option("--network <access>", "default or none")
    .option("--replace", "replace a sandbox of the same name")
    .action(async (snapshot: string, words: string[], options: RunOptions, command: Command) => {
      const { runSandbox } = await import("../actions/run-sandbox.ts");
      session.exitCode = await runSandbox(
        snapshot,
        words,
        { ...options, ...command.optsWithGlobals<{ host?: string }>() },
        session,
      );
    });
}
