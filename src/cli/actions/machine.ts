import { rm } from "node:fs/promises";
import { confirm, isCancel } from "@clack/prompts";
import prettyBytes from "pretty-bytes";
import { workerIndexPath } from "../../bake/worker-index-file.ts";
import { Failure } from "../../diagnostics/failure.ts";
import { unreachable } from "../../diagnostics/unreachable.ts";
import { openMachine } from "../../host/open-machine-worker.ts";
import { decideVirtualization } from "../../host/virtualization.ts";
import type { InstallEvent } from "../../machine/install/events.ts";
import { installMachine } from "../../machine/install/install.ts";
import type { SystemInstallation } from "../../machine/install/system-packages.ts";
import type { Machine } from "../../machine/machine.ts";
import type { MachineEvent } from "../../machine/machine-events.ts";
import type { MachineStatus } from "../../machine/machine-status.ts";
import { formatAge } from "../age.ts";
import { attachToSocket } from "../attach-to-socket.ts";
import type { InitOptions } from "../options.ts";
import type { Session } from "../session.ts";

export async function initMachine(options: InitOptions, session: Session): Promise<number> {
  if (options.ifNeeded && (await decideVirtualization(session)) === "native") {
    session.stdout.write("microVMs run on this host as it is\n");
    return 0;
  }
  await installMachine(
    {
      home: session.home.directory,
      confirm: (installation) => (options.yes ? Promise.resolve(true) : ask(installation, session)),
      onEvent: (event) => session.stderr.write(describeInstallEvent(event)),
    },
    session.signal,
  );
  session.stdout.write("the machine is installed; it starts by itself when a bake or a sandbox needs it\n");
  return 0;
}

function describeInstallEvent(event: InstallEvent): string {
  switch (event.kind) {
    case "found":
      return `machine: ${event.what}: ${event.detail}\n`;
    case "command":
      return `machine: ${event.why}\n  $ ${event.command}\n`;
    case "output":
      return event.text;
    case "waiting-for-other-process":
      return "machine: waiting for another lightbox that installs it\n";
    default:
      return unreachable(event);
  }
}

/** @throws Failure `ConfirmationNeeded` where nobody can be asked */
export async function ask(
  installation: SystemInstallation,
  session: Pick<Session, "stdin" | "stderr">,
): Promise<boolean> {
  const commands = installation.commands.map((argv) => argv.join(" ")).join(" && ");
  if (!session.stdin.isTTY) {
    throw new Failure({
      code: "ConfirmationNeeded",
      category: "usage",
      message: `the machine needs ${installation.packages.join(", ")}, and nobody can be asked here`,
      hint: `run \`lightbox machine init --yes\`, or install them yourself: ${commands}`,
    });
  }
  const answer = await confirm({
    message: `Install ${installation.packages.join(", ")}? ${commands}`,
    input: session.stdin,
    output: session.stderr,
  });
  return !isCancel(answer) && answer;
}

type MachineVerb = "start" | "stop" | "status" | "rm" | "logs" | "shell";

export async function machineAction(
  verb: MachineVerb,
  options: { readonly force?: boolean },
  session: Session,
): Promise<number> {
  const machine = openMachine(session);
  const onProgress = session.onMachineEvent;
  switch (verb) {
    case "start": {
      const { url } = await machine.ensureRunning(session.signal, onProgress);
      session.stdout.write(`the machine runs, its worker is at ${url}\n`);
      return 0;
    }
    case "stop": {
      const ran = await machine.stop(session.signal, onProgress);
      session.stdout.write(ran ? "the machine is stopped\n" : "the machine was not running\n");
      return 0;
    }
    case "status":
      session.stdout.write(describeStatus(await machine.status(session.signal)));
      return 0;
    case "rm":
      return await removeMachine(machine, options, session, onProgress);
    case "logs":
      session.stdout.write(await machine.readConsole());
      return 0;
    case "shell":
      return await attachToSocket(await machine.openShell(session.signal), session);
    default:
      return unreachable(verb);
  }
}

async function removeMachine(
  machine: Machine,
  options: { readonly force?: boolean },
  session: Session,
  onProgress: (event: MachineEvent) => void,
): Promise<number> {
  const { state } = await machine.status(session.signal);
  if (state === "not-installed") {
    session.stdout.write("no machine is installed\n");
    return 0;
  }
  const isUp = state === "running" || state === "starting" || state === "paused";
  if (isUp && !options.force) {
    throw new Failure({
      code: "MachineRunning",
      category: "usage",
      message: "the machine is running, and with it would go all its layers, snapshots and sandboxes",
      hint: "stop it first with `lightbox machine stop`, or say --force",
    });
  }
  await machine.remove(session.signal, onProgress);
  await rm(workerIndexPath(session.home.directory, "machine"), { force: true });
  session.stdout.write("the machine is removed; `lightbox machine init` need not be run again\n");
  return 0;
}

function describeStatus(status: MachineStatus): string {
  switch (status.state) {
    case "not-installed":
      return "not installed: run `lightbox machine init`\n";
    case "stopped":
      return `stopped, ${prettyBytes(status.dataBytesOnDisk, { binary: true })} of data kept\n`;
    default:
      return [
        `${status.state}, started ${formatAge(status.startedAt)} (pid ${status.pid})`,
        `worker   ${status.url}`,
        `cpus     ${status.cpus}`,
        `memory   ${prettyBytes(status.residentBytes, { binary: true })} of ${status.memoryMib} MiB`,
        `data     ${prettyBytes(status.dataBytesOnDisk, { binary: true })}`,
        ...status.forwardings.map(
          (open) => `port     ${open.hostAddress}:${open.hostPort} -> ${open.guestPort}/${open.protocol}`,
        ),
        "",
      ].join("\n");
  }
}
