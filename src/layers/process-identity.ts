import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { systemErrorCode } from "../diagnostics/failure.ts";
import { isMissing } from "../model/present-files.ts";

/**
 * Names one process of this host for good: `<pid>-<when it started>`. A process number alone is given out
 * again; together with the start it is not. Two containers that share a store but not their process numbers
 * take each other's processes for dead.
 */
export type ProcessIdentity = string;

let own: Promise<ProcessIdentity> | undefined;

export function ownIdentity(): Promise<ProcessIdentity> {
  own ??= identityOf(process.pid).then((identity) => {
    if (identity === undefined) throw new Error("internal error: this process is not in the process table");
    return identity;
  });
  return own;
}

/** The identity of a running process; undefined when there is none with that number. */
export async function identityOf(pid: number): Promise<ProcessIdentity | undefined> {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  const start = process.platform === "linux" ? await linuxStart(pid) : await otherStart(pid);
  return start === undefined ? undefined : `${pid}-${start}`;
}

const identityPattern = /^(\d{1,10})-[0-9a-z]+$/;

/** Whether the text is an identity whose process runs; undefined when it is not an identity at all. */
export async function isAlive(identity: string): Promise<boolean | undefined> {
  const pid = identityPattern.exec(identity)?.[1];
  if (pid === undefined) return undefined;
  return (await identityOf(Number(pid))) === identity;
}

let bootId: Promise<string> | undefined;

async function linuxStart(pid: number): Promise<string | undefined> {
  let text: string;
  try {
    text = await readFile(`/proc/${pid}/stat`, "latin1");
  } catch (error) {
    // ESRCH: it ended while the file was being read.
    if (isMissing(error) || systemErrorCode(error) === "ESRCH") return undefined;
    throw error;
  }
  // The second field is the program's name in parentheses and may itself hold parentheses and spaces.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const state = fields[0];
  const startTicks = fields[19];
  // A killed process that its parent has not collected yet does nothing any more.
  if (startTicks === undefined || state === "Z" || state === "X") return undefined;
  bootId ??= readFile("/proc/sys/kernel/random/boot_id", "latin1");
  return `${(await bootId).slice(0, 8)}t${startTicks}`;
}

async function otherStart(pid: number): Promise<string | undefined> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (systemErrorCode(error) === "ESRCH") return undefined;
    if (systemErrorCode(error) !== "EPERM") throw error;
  }
  try {
    // Made here: where it is not needed, the module behind it is not loaded.
    const { stdout } = await promisify(execFile)("ps", ["-o", "stat=", "-o", "lstart=", "-p", String(pid)], {
      env: { ...process.env, LC_ALL: "C", TZ: "UTC" },
    });
    const [, state, start] = /^\s*(\S+)\s+(.*\S)\s*$/.exec(stdout) ?? [];
    if (state === undefined || start === undefined || state.startsWith("Z")) return undefined;
    return start.toLowerCase().replaceAll(/[^0-9a-z]/g, "");
  } catch (error) {
    // `ps` exits with 1 when there is no such process.
    if (error instanceof Error && "code" in error && error.code === 1) return undefined;
    throw error;
  }
}
