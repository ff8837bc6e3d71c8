import { randomBytes } from "node:crypto";
import { open, rm, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import { checkDataDisk, provideDataDisk, sizeOnDisk } from "./data-disk.ts";
import { guestSettings, guestWorkerPort, workerArguments } from "./guest-scripts.ts";
import type { MachineEvent } from "./machine-events.ts";
import type { MachineInstallation } from "./machine-installation.ts";
import { endOfLogs } from "./machine-logs.ts";
import type { MachinePaths } from "./machine-paths.ts";
import { killQemu, type StartedQemu, startQemu } from "./machine-process.ts";
import type { MachineResources } from "./machine-resources.ts";
import { hostBootId, type MachineState, readQemuProcess, removeState, writeState } from "./machine-state.ts";
import { withMonitor } from "./monitor.ts";
import { listForwardings } from "./port-forwarding.ts";
import { qemuCommand } from "./qemu-command.ts";
import { provideRootImage } from "./root-image.ts";
import type { RootImageInputs } from "./root-stage.ts";
import { requireFreeSpace, type ServingOptions, untilServing } from "./serving.ts";
import { throwIfCancelled } from "./start-lock.ts";

export interface BootOptions extends ServingOptions {
  readonly installation: MachineInstallation;
  readonly inputs: RootImageInputs;
  readonly resources: MachineResources;
  readonly signal: AbortSignal;
  readonly onProgress: (event: MachineEvent) => void;
}

/**
 * Makes what the machine needs and is not there yet, boots it and waits for its worker. With the machine's lock
 * held, and no machine running.
 *
 * @throws Failure `MachineDidNotStart` with the end of the console, `MachineDiskFull`, `MachineDataDamaged`,
 * `MicrosandboxPackageMissing`, `Cancelled`
 */
export async function bootMachine(options: BootOptions): Promise<MachineState> {
  const { paths, installation, inputs, resources, signal, onProgress } = options;
  await requireFreeSpace(paths);
  const disk = { path: paths.dataDisk, sizeMib: resources.dataDiskMib, mke2fsPath: inputs.mke2fsPath };
  if ((await sizeOnDisk(disk.path)) === undefined) onProgress({ kind: "making-data-disk" });
  if (!(await provideDataDisk(disk, signal))) await checkDataDisk(disk.path, disk.mke2fsPath, signal);
  const image = await provideRootImage(paths.images, inputs, {
    signal,
    onBuild: () => onProgress({ kind: "making-root-image" }),
  });

  const token = randomBytes(32).toString("hex");
  await writeSecret(paths.guestSettings, guestSettings(token, workerArguments(resources.idleMinutes)));
  onProgress({ kind: "booting" });
  const command = qemuCommand({
    ...paths,
    qemuPath: installation.qemu.path,
    kernel: installation.kernel.image,
    initramfs: image.initramfs,
    rootDisk: image.rootDisk,
    cpus: resources.cpus,
    memoryMib: resources.memoryMib,
  });
  await removeState(paths);
  throwIfCancelled(signal);
  const qemu = await startQemu(command, paths);
  const state = await recordMachine(qemu, { token, imageKey: image.key }, options);
  const outcome = await untilServing(state, async () => qemu.ended(), options);
  if (outcome === "serving") return state;
  if (outcome === "timed-out") await killQemu(state, paths);
  throw await didNotStart(
    outcome === "ended" ? "it ended while it booted" : "its worker did not answer",
    paths,
  );
}

/** Asks QEMU for the port that it got and writes down what runs. */
async function recordMachine(
  qemu: StartedQemu,
  identity: { readonly token: string; readonly imageKey: string },
  { paths, resources }: BootOptions,
): Promise<MachineState> {
  const hostPort = await workerPort(qemu, paths);
  const process = await readQemuProcess(qemu.pid, paths.pidFile);
  if (hostPort === undefined || process === undefined) throw await didNotStart("QEMU ended at once", paths);
  const state: MachineState = {
    formatVersion: 1,
    ...process,
    ...identity,
    bootId: await hostBootId(),
    hostPort,
    startedAt: new Date().toISOString(),
    cpus: resources.cpus,
    memoryMib: resources.memoryMib,
  };
  await writeState(paths, state);
  return state;
}

/** Not cancellable: it takes a moment, and a QEMU that nobody recorded would have to be ended later. */
async function workerPort(qemu: StartedQemu, paths: MachinePaths): Promise<number | undefined> {
  const bound = AbortSignal.timeout(20_000);
  while (!qemu.ended() && !bound.aborted) {
    try {
      const ports = await withMonitor(paths.run, bound, listForwardings);
      return ports.find((one) => one.guestPort === guestWorkerPort)?.hostPort;
    } catch (error) {
      const code = systemErrorCode(error);
      if (code !== "ENOENT" && code !== "ECONNREFUSED") throw error;
      await delay(20); // QEMU has not made its sockets yet
    }
  }
  return undefined;
}

async function didNotStart(why: string, paths: MachinePaths): Promise<Failure> {
  return new Failure({
    code: "MachineDidNotStart",
    category: "environment",
    message: `the machine did not start: ${why}\n${await endOfLogs(paths)}`,
    hint: "see `lightbox machine logs` for its console, and `lightbox doctor` for this host",
  });
}

/** Never readable by others, not even for a moment. */
async function writeSecret(path: string, text: string): Promise<void> {
  await rm(path, { force: true });
  const file = await open(path, "wx", 0o600);
  try {
    await writeFile(file, text);
  } finally {
    await file.close();
  }
}
