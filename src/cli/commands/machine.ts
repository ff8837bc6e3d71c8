import { Command } from "commander";
import type { Session } from "../session.ts";

export function machineCommand(session: Session): Command {
  const machine = new Command("machine").description(
    "The microVM host that lightbox starts where there is no hardware virtualization",
  );
  machine
    .command("init")
    .description("Install what the machine needs: QEMU and a kernel from Debian's packages")
    .option("-y, --yes", "do not ask before installing packages")
    .option("--if-needed", "do nothing where microVMs run without the machine")
    .action(async (options: { yes?: boolean; ifNeeded?: boolean }) => {
      session.exitCode = await (await actions()).initMachine(options, session);
    });
  const simple = [
    ["start", "Start the machine (a bake does so by itself)"],
    ["stop", "Stop the machine; its layers, snapshots and stopped sandboxes are kept"],
    ["status", "Say whether the machine runs, since when, and what it uses"],
    ["rm", "Remove the machine with all its layers and snapshots"],
    ["logs", "Print the machine's console"],
    ["shell", "Open a root shell in the machine"],
  ] as const;
  for (const [name, description] of simple) {
    const command = machine.command(name).description(description);
    if (name === "rm") command.option("-f, --force", "also when it is running");
    command.action(async (options: { force?: boolean }) => {
      session.exitCode = await (await actions()).machineAction(name, options, session);
    });
  }
  return machine;
}

function actions() {
  return import("../actions/machine.ts");
}
