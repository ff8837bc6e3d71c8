import { mkdir, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { Failure } from "../diagnostics/failure.ts";
import { exists } from "../model/present-files.ts";
import { bootMachine } from "./machine-boot.ts";
import { endpointOf, type MachineEndpoint } from "./machine-endpoint.ts";
import type { MachineEvent } from "./machine-events.ts";
import { type MachineInstallation, requireInstallation, requireMachineHost } from "./machine-installation.ts";
import { readLog } from "./machine-logs.ts";
import { type MachinePaths, machinePaths, machineSockets } from "./machine-paths.ts";
import { endQemu, endUnrecordedQemu } from "./machine-process.ts";
import type { MachineResources } from "./machine-resources.ts";
import { connectMachineSocket } from "./machine-socket.ts";
import { type MachineState, readLiveState, readQemuProcess, removeState } from "./machine-state.ts";
import { type MachineStatus, machineStatus } from "./machine-status.ts";
import { withMonitor } from "./monitor.ts";
import { addForwarding, type PortForwarding, removeForwarding } from "./port-forwarding.ts";
import { rootImageKey } from "./root-image.ts";
import type { RootImageInputs } from "./root-stage.ts";
import { isServing, type ServingOptions, untilServing } from "./serving.ts";
import { acquireMachineLock } from "./start-lock.ts";

export interface MachineOptions {
  /** LIGHTBOX_HOME. */
  readonly home: string;
  /** Folder with lightbox' `package.json` and bundled `dist/`. */
  readonly packageDirectory: string;
  readonly resources: MachineResources;
  /** The node that runs inside; default: this one. */
  readonly nodePath?: string;
  /** Asked before a running machine of another version is restarted; default: yes. */
  readonly mayRestart?: (endpoint: MachineEndpoint) => Promise<boolean>;
  /** A path that the worker answers to. Default `/version`. */
  readonly readinessPath?: string;
  /** Default: two minutes. */
  readonly bootTimeoutMs?: number;
}

type Progress = (event: MachineEvent) => void;

/**
 * The Linux machine that lightbox runs in QEMU's software emulation, in which a worker with a working
 * `/dev/kvm` listens. One per LIGHTBOX_HOME; it goes on when its starter ends. Every method may be called
 * from several processes at once.
 */
export class Machine {
  readonly #options: MachineOptions;
  readonly #paths: MachinePaths;
  readonly #serving: ServingOptions;

  constructor(options: MachineOptions) {
    this.#options = options;
    this.#paths = machinePaths(options.home);
    this.#serving = {
      paths: this.#paths,
      readinessPath: options.readinessPath ?? "/version",
      bootTimeoutMs: options.bootTimeoutMs ?? 120_000,
    };
  }

  /**
   * Starts the machine unless it runs, and waits until its worker answers.
   *
   * @throws Failure `MachineUnsupportedHost`, `MachineNotInstalled`, `MachineDidNotStart`, `MachineDiskFull`,
   * `MachineDataDamaged`, `MicrosandboxPackageMissing`, `Cancelled`
   */
  async ensureRunning(signal: AbortSignal, onProgress: Progress = () => {}): Promise<MachineEndpoint> {
    requireMachineHost();
    const installation = await requireInstallation(this.#paths);
    const inputs = this.#imageInputs(installation);
    const running = await readLiveState(this.#paths);
    if (running !== undefined && running.imageKey === (await rootImageKey(inputs))) {
      if (await isServing(running, this.#serving)) return endpointOf(running);
    }
    await mkdir(this.#paths.run, { recursive: true, mode: 0o700 });
    await using _lock = await this.#lock(signal, onProgress);
    const startedMs = performance.now();
    const kept = await this.#keepOrEnd(await rootImageKey(inputs), signal, onProgress);
    if (kept !== undefined) return kept;
    const { resources } = this.#options;
    const booted = await bootMachine({
      ...this.#serving,
      installation,
      inputs,
      resources,
      signal,
      onProgress,
    });
    onProgress({ kind: "ready", durationMs: performance.now() - startedMs });
    return endpointOf(booted);
  }

  /** The running machine's worker, or undefined; starts nothing. */
  async findRunning(): Promise<MachineEndpoint | undefined> {
    const state = await readLiveState(this.#paths);
    return state === undefined ? undefined : endpointOf(state);
  }

  /** Powers the machine off in order; its data stay. @returns false when it did not run. */
  async stop(signal: AbortSignal, onProgress: Progress = () => {}): Promise<boolean> {
    if (!(await exists(this.#paths.run))) return false;
    await using _lock = await this.#lock(signal, onProgress);
    return this.#end(onProgress);
  }

  /** Stops the machine and deletes its data disk and images; what `machine init` fetched stays. */
  async remove(signal: AbortSignal, onProgress: Progress = () => {}): Promise<void> {
    await this.stop(signal, onProgress);
    for (const path of [this.#paths.run, this.#paths.images, this.#paths.dataDisk]) {
      await rm(path, { recursive: true, force: true });
    }
  }

  status(signal: AbortSignal): Promise<MachineStatus> {
    return machineStatus(this.#serving, signal);
  }

  /** The console of the running or last machine; empty when there was none. */
  readConsole(): Promise<string> {
    return readLog(this.#paths.consoleLog);
  }

  /**
   * A root shell in the machine: a terminal's bytes, both ways. There is one shell; `shellEndedMark` (see
   * `guest-scripts.ts`) comes when it has ended. The size of the terminal is set with `stty rows … cols …`.
   *
   * @throws Failure `MachineNotRunning`
   */
  async openShell(signal: AbortSignal): Promise<Socket> {
    await this.#requireRunning();
    return connectMachineSocket(this.#paths.run, machineSockets.shell, signal);
  }

  /**
   * Makes a port of the machine reachable on this host, until the machine stops.
   *
   * @param wanted host port 0: the kernel chooses; see the result.
   * @throws Failure `MachineNotRunning`, `PortInUse`, `PortNotForwardable`
   */
  async forwardPort(wanted: PortForwarding, signal: AbortSignal): Promise<PortForwarding> {
    await this.#requireRunning();
    return withMonitor(this.#paths.run, signal, (call) => addForwarding(call, wanted));
  }

  /** @throws Failure `MachineNotRunning`. A port that is not open is no error. */
  async unforwardPort(forwarding: PortForwarding, signal: AbortSignal): Promise<void> {
    await this.#requireRunning();
    await withMonitor(this.#paths.run, signal, (call) => removeForwarding(call, forwarding));
  }

  #lock(signal: AbortSignal, onProgress: Progress): Promise<AsyncDisposable> {
    return acquireMachineLock(this.#paths.root, signal, () =>
      onProgress({ kind: "waiting-for-other-process" }),
    );
  }

  #imageInputs({ busybox, mke2fs, kernel }: MachineInstallation): RootImageInputs {
    return {
      packageDirectory: this.#options.packageDirectory,
      nodePath: this.#options.nodePath ?? process.execPath,
      busyboxPath: busybox.path,
      mke2fsPath: mke2fs.path,
      modulesDirectory: kernel.modulesDirectory,
      kernelRelease: kernel.release,
    };
  }

  /** With the lock held: the running machine when it can be used as it is, else nothing runs any more. */
  async #keepOrEnd(
    imageKey: string,
    signal: AbortSignal,
    onProgress: Progress,
  ): Promise<MachineEndpoint | undefined> {
    const state = await readLiveState(this.#paths);
    if (state === undefined) {
      await endUnrecordedQemu(this.#paths);
      return undefined;
    }
    onProgress({ kind: "waiting-for-worker" });
    const outcome = await untilServing(state, () => this.#hasEnded(state), { ...this.#serving, signal });
    if (outcome === "ended") return undefined; // it was powering off
    if (outcome === "timed-out") {
      await this.#end(onProgress);
      return undefined;
    }
    const endpoint = endpointOf(state);
    if (state.imageKey === imageKey) return endpoint;
    if (!((await this.#options.mayRestart?.(endpoint)) ?? true)) {
      onProgress({ kind: "outdated-kept" });
      return endpoint;
    }
    onProgress({ kind: "restarting" });
    await this.#end(onProgress);
    return undefined;
  }

  async #end(onProgress: Progress): Promise<boolean> {
    const state = await readLiveState(this.#paths);
    if (state === undefined) {
      await endUnrecordedQemu(this.#paths);
      return false;
    }
    onProgress({ kind: "stopping" });
    await endQemu(state, this.#paths);
    await removeState(this.#paths);
    return true;
  }

  async #hasEnded(state: MachineState): Promise<boolean> {
    return (await readQemuProcess(state.pid, this.#paths.pidFile)) === undefined;
  }

  async #requireRunning(): Promise<void> {
    if ((await readLiveState(this.#paths)) !== undefined) return;
    throw new Failure({
      code: "MachineNotRunning",
      category: "environment",
      message: "the machine does not run",
      hint: "start it with `lightbox machine start`",
    });
  }
}
