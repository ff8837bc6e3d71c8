import { spawn } from "node:child_process";
import { open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import { powerOffRequest } from "./guest-scripts.ts";
import { type MachinePaths, machineSockets } from "./machine-paths.ts";
import { connectMachineSocket } from "./machine-socket.ts";
import { findUnrecordedQemu, type QemuProcess, readQemuProcess } from "./machine-state.ts";
import { withMonitor } from "./monitor.ts";

/** A QEMU that this process started; it goes on when this process ends. */
export interface StartedQemu {
  readonly pid: number;
  /** Set once it has ended. */
  readonly ended: () => boolean;
}

const pollMs = 50;
const orderlyPowerOffMs = 30_000;

/** Starts QEMU in its own session, so that Ctrl-C in the terminal does not reach it. */
export async function startQemu(argv: readonly string[], paths: MachinePaths): Promise<StartedQemu> {
  const [program, ...rest] = argv;
  if (program === undefined) throw new Error("internal error: empty command");
  for (const name of Object.values(machineSockets)) await rm(join(paths.run, name), { force: true });
  await keepPreviousLog(paths);
  const log = await open(paths.qemuLog, "w", 0o600);
  try {
    const child = spawn(program, rest, {
      cwd: paths.run,
      detached: true,
      stdio: ["ignore", log.fd, log.fd],
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve).once("error", reject);
    });
    child.unref();
    if (child.pid === undefined) throw new Error("internal error: a spawned process without a number");
    return { pid: child.pid, ended: () => child.exitCode !== null || child.signalCode !== null };
  } finally {
    await log.close();
  }
}

async function keepPreviousLog(paths: MachinePaths): Promise<void> {
  try {
    await rename(paths.consoleLog, paths.previousConsoleLog);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
}

/** Asks the machine to power off, which ends its sandboxes and unmounts its disk; a deaf one is killed. */
export async function endQemu(qemu: QemuProcess, paths: MachinePaths): Promise<"powered-off" | "killed"> {
  if (await requestPowerOff(paths)) {
    if (await untilGone(qemu, paths, orderlyPowerOffMs)) return "powered-off";
  }
  await killQemu(qemu, paths);
  return "killed";
}

/** What the machine had written to its disk is kept; the journal makes it whole at the next start. */
export async function killQemu(qemu: QemuProcess, paths: MachinePaths): Promise<void> {
  try {
    process.kill(qemu.pid, "SIGKILL");
  } catch (error) {
    if (systemErrorCode(error) !== "ESRCH") throw error;
  }
  if (await untilGone(qemu, paths, 10_000)) return;
  throw new Failure({
    code: "MachineNotStopped",
    category: "environment",
    message: `QEMU, process ${qemu.pid}, does not end`,
    hint: "the kernel holds it, most likely in disk I/O: look at `dmesg`",
  });
}

/** Ends a QEMU that nobody recorded: who started it died before it could. */
export async function endUnrecordedQemu(paths: MachinePaths): Promise<void> {
  const stray = await findUnrecordedQemu(paths);
  if (stray !== undefined) await endQemu(stray, paths);
}

/** False when there is nobody to ask: not listening yet, or paused after a disk error. */
async function requestPowerOff(paths: MachinePaths): Promise<boolean> {
  const signal = AbortSignal.timeout(5_000);
  try {
    const running = await withMonitor(paths.run, signal, async (call) => {
      const status = await call("query-status");
      return typeof status === "object" && status !== null && "running" in status && status.running === true;
    });
    if (!running) return false;
    const socket = await connectMachineSocket(paths.run, machineSockets.control, signal);
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject).end(powerOffRequest, () => resolve());
    });
    return true;
  } catch (error) {
    const code = systemErrorCode(error);
    const gone = code === "ENOENT" || code === "ECONNREFUSED" || code === "EPIPE" || code === "ECONNRESET";
    const deaf = error instanceof Failure || (error instanceof Error && error.name === "AbortError");
    if (gone || deaf) return false;
    throw error;
  }
}

async function untilGone(qemu: QemuProcess, paths: MachinePaths, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (performance.now() < deadline) {
    const now = await readQemuProcess(qemu.pid, paths.pidFile);
    if (now?.startTicks !== qemu.startTicks) return true;
    await delay(pollMs);
  }
  return false;
}
