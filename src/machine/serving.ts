import { statfs } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import type { MachinePaths } from "./machine-paths.ts";
import type { MachineState } from "./machine-state.ts";
import { withMonitor } from "./monitor.ts";
import { answersHttp } from "./readiness.ts";
import { throwIfCancelled } from "./start-lock.ts";

export interface ServingOptions {
  readonly paths: MachinePaths;
  /** A path that the worker answers to. */
  readonly readinessPath: string;
  readonly bootTimeoutMs: number;
}

/** How waiting for a machine's worker ended. */
export type ServingOutcome = "serving" | "ended" | "timed-out";

const pollMs = 100;
const pauseCheckMs = 2_000;
/** One that has been up for long gets a while, too: it may be busy, or powering off. */
const leastWaitMs = 20_000;
/** Below this, the host's disk is too full to run a machine on it. */
const leastFreeBytes = 2 ** 30;

export function isServing(state: MachineState, { readinessPath }: ServingOptions): Promise<boolean> {
  return answersHttp({ hostPort: state.hostPort, token: state.token, path: readinessPath, timeoutMs: 2_000 });
}

/**
 * Waits until the worker in the machine answers.
 *
 * @param hasEnded whether the machine's process is gone.
 * @throws Failure `MachineDiskFull`, `Cancelled`
 */
export async function untilServing(
  state: MachineState,
  hasEnded: () => Promise<boolean>,
  wait: ServingOptions & { readonly signal: AbortSignal },
): Promise<ServingOutcome> {
  const upMs = Math.max(Date.now() - Date.parse(state.startedAt), 0);
  const deadline =
    performance.now() + Math.max(wait.bootTimeoutMs - upMs, Math.min(leastWaitMs, wait.bootTimeoutMs));
  let nextPauseCheck = performance.now() + pauseCheckMs;
  while (performance.now() < deadline) {
    throwIfCancelled(wait.signal);
    if (await isServing(state, wait)) return "serving";
    if (await hasEnded()) return "ended";
    if (performance.now() > nextPauseCheck) {
      await continueIfPaused(wait.paths, wait.signal);
      nextPauseCheck = performance.now() + pauseCheckMs;
    }
    await delay(pollMs);
  }
  return "timed-out";
}

/** QEMU pauses a machine whose disk write found no space on the host; it goes on where it was. */
async function continueIfPaused(paths: MachinePaths, signal: AbortSignal): Promise<void> {
  try {
    await withMonitor(paths.run, signal, async (call) => {
      if (!isPaused(await call("query-status"))) return;
      await requireFreeSpace(paths);
      await call("cont");
    });
  } catch (error) {
    const code = systemErrorCode(error);
    // It ended meanwhile, which the caller finds out.
    if (code !== "ENOENT" && code !== "ECONNREFUSED" && code !== "ECONNRESET") throw error;
  }
}

/** What `query-status` says of a machine that waits for space on the host's disk. */
export function isPaused(status: unknown): boolean {
  return typeof status === "object" && status !== null && "status" in status && status.status === "io-error";
}

/** @throws Failure `MachineDiskFull` */
export async function requireFreeSpace(paths: MachinePaths): Promise<void> {
  const { bavail, bsize } = await statfs(paths.root);
  if (bavail * bsize >= leastFreeBytes) return;
  throw new Failure({
    code: "MachineDiskFull",
    category: "environment",
    message: `the disk of this host that holds ${paths.root} has less than 1 GiB free`,
    hint: "free some space, then try again; a machine that was paused for this goes on where it was",
  });
}
