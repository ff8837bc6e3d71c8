import { readFile, rm } from "node:fs/promises";
import * as v from "valibot";
import writeFileAtomic from "write-file-atomic";
import { systemErrorCode } from "../diagnostics/failure.ts";
import { parseJson } from "../model/parse-json.ts";
import type { MachinePaths } from "./machine-paths.ts";

const StateFile = v.object({
  formatVersion: v.literal(1),
  /** Process of QEMU and its start time, in ticks since this boot of the host: together never reused. */
  pid: v.number(),
  startTicks: v.number(),
  bootId: v.string(),
  hostPort: v.number(),
  token: v.string(),
  imageKey: v.string(),
  startedAt: v.string(),
  cpus: v.number(),
  memoryMib: v.number(),
});

/** The machine that runs now. */
export type MachineState = v.InferOutput<typeof StateFile>;

/** The recorded machine, if its QEMU still runs; a record of a dead one is as good as none. */
export async function readLiveState(paths: MachinePaths): Promise<MachineState | undefined> {
  let text: string;
  try {
    text = await readFile(paths.state, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
  const state = parseState(text);
  if (state === undefined || state.bootId !== (await hostBootId())) return undefined;
  const process = await readQemuProcess(state.pid, paths.pidFile);
  return process?.startTicks === state.startTicks ? state : undefined;
}

function parseState(text: string): MachineState | undefined {
  const parsed = v.safeParse(StateFile, parseJson(text));
  return parsed.success ? parsed.output : undefined;
}

/** Mode 0600: the token is in it. */
export async function writeState(paths: MachinePaths, state: MachineState): Promise<void> {
  await writeFileAtomic(paths.state, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
}

export async function removeState(paths: MachinePaths): Promise<void> {
  await rm(paths.state, { force: true });
}

export interface QemuProcess {
  readonly pid: number;
  readonly startTicks: number;
}

/**
 * The process, if it is alive and is the QEMU that was started with this pid file; its command line tells it
 * from a stranger that got the same number.
 */
export async function readQemuProcess(pid: number, pidFile: string): Promise<QemuProcess | undefined> {
  const [stat, commandLine] = await Promise.all([
    readProcFile(`/proc/${pid}/stat`),
    readProcFile(`/proc/${pid}/cmdline`),
  ]);
  if (stat === undefined || commandLine === undefined) return undefined;
  if (!commandLine.includes(`\0-pidfile\0${pidFile}\0`)) return undefined;
  const parsed = parseProcessStat(stat);
  return parsed.state === "Z" ? undefined : { pid, startTicks: parsed.startTicks };
}

/** `/proc/PID/stat`: the name in parentheses may hold anything, so fields are counted after the last one. */
export function parseProcessStat(stat: string): { readonly state: string; readonly startTicks: number } {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "", startTicks: Number(fields[19] ?? Number.NaN) };
}

/** A QEMU that was started but never recorded, because who started it died in between. */
export async function findUnrecordedQemu(paths: MachinePaths): Promise<QemuProcess | undefined> {
  const text = await readProcFile(paths.pidFile);
  const pid = Number.parseInt(text ?? "", 10);
  return Number.isInteger(pid) && pid > 1 ? readQemuProcess(pid, paths.pidFile) : undefined;
}

export async function hostBootId(): Promise<string> {
  return ((await readProcFile("/proc/sys/kernel/random/boot_id")) ?? "").trim();
}

async function readProcFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES") return undefined;
    throw error;
  }
}
