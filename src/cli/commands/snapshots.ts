import { Command } from "commander";
import type { Session } from "../session.ts";
import { tableOrJson } from "./shared-options.ts";

export function snapshotsCommand(session: Session): Command {
  const snapshots = new Command("snapshots").description("List, inspect and remove snapshots");
  snapshots
    .command("ls", { isDefault: true })
    .description("List snapshots")
    .addOption(tableOrJson())
    .action(async (options: { format: string }, command: Command) => {
      const { listSnapshots } = await import("../actions/snapshots.ts");
      session.exitCode = await listSnapshots(
        { ...options, ...command.optsWithGlobals<{ host?: string }>() },
        session,
      );
    });
  snapshots
    .command("inspect")
    .description("Print all that is known of a snapshot, as JSON")
    .argument("<snapshot>", "NAME or NAME@previous")
    .action(async (name: string, _options: object, command: Command) => {
      const { inspectSnapshot } = await import("../actions/snapshots.ts");
      session.exitCode = await inspectSnapshot(name, command.optsWithGlobals<{ host?: string }>(), session);
    });
  snapshots
    .command("history")
    .description("Print the instructions that led to a snapshot, with their layers")
    .argument("<snapshot>", "NAME or NAME@previous")
    .addOption(tableOrJson())
    .action(async (name: string, options: { format: string }, command: Command) => {
      const { showHistory } = await import("../actions/snapshots.ts");
      session.exitCode = await showHistory(
        name,
        { ...options, ...command.optsWithGlobals<{ host?: string }>() },
        session,
      );
    });
  snapshots
    .command("rm")
    .description("Remove snapshots' names; `lightbox prune` frees the layers")
    .argument("<snapshot...>", "NAME or NAME@previous")
    .action(async (names: string[], _options: object, command: Command) => {
      const { removeSnapshots } = await import("../actions/snapshots.ts");
      session.exitCode = await removeSnapshots(names, command.optsWithGlobals<{ host?: string }>(), session);
    });
  return snapshots;
}
