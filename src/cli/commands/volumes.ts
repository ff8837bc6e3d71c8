import { Command, InvalidArgumentError, Option } from "commander";
import type { CreateVolumeOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { tableOrJson } from "./shared-options.ts";

export function volumesCommand(session: Session): Command {
  const volumes = new Command("volumes").description("List, create and remove named volumes");
  volumes
    .command("ls", { isDefault: true })
    .description("List volumes")
    .addOption(tableOrJson())
    .action(async (options: { format: string }, command: Command) => {
      const { listVolumes } = await import("../actions/volumes.ts");
      session.exitCode = await listVolumes(
        { ...options, ...command.optsWithGlobals<{ host?: string }>() },
        session,
      );
    });
  volumes
    .command("create")
    .description("Make a volume, unless it is there")
    .argument("<name>", "the volume's name")
    .addOption(
      new Option("--label <key=value>", "give it a label; may be repeated")
        .argParser(parseLabel)
        .default({}, "none"),
    )
    .action(async (name: string, options: CreateVolumeOptions, command: Command) => {
      const { createVolume } = await import("../actions/volumes.ts");
      session.exitCode = await createVolume(
        name,
        { ...options, ...command.optsWithGlobals<{ host?: string }>() },
        session,
      );
    });
  volumes
    .command("rm")
    .description("Remove volumes with all that is in them")
    .argument("<volume...>", "names")
    .action(async (names: string[], _options: object, command: Command) => {
      const { removeVolumes } = await import("../actions/volumes.ts");
      session.exitCode = await removeVolumes(names, command.optsWithGlobals<{ host?: string }>(), session);
    });
  return volumes;
}

function parseLabel(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const equals = text.indexOf("=");
  if (equals < 1) throw new InvalidArgumentError("it must be KEY=VALUE.");
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) };
}
