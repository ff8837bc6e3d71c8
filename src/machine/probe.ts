import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import * as v from "valibot";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import { lastLines } from "./external-command.ts";
import { certainObstacle, readVirtualizationFacts, type VirtualizationFacts } from "./host-virtualization.ts";
import { machinePaths } from "./machine-paths.ts";
import { probeExit } from "./probe-child.ts";

export interface ProbeOptions {
  /** LIGHTBOX_HOME; the answer is remembered there. */
  readonly home: string;
  /** Boots a sandbox and exits as {@link probeExit} says, e.g. `[node, cli.js, "probe-child"]`. */
  readonly command: readonly string[];
  /** LIGHTBOX_VIRTUALIZATION: `native` or `machine` decides without looking. */
  readonly override?: string | undefined;
  /** Try again, whatever is remembered. */
  readonly force?: boolean;
  /** Default: 15 seconds. */
  readonly timeoutMs?: number;
  /** Default: of this host. */
  readonly facts?: VirtualizationFacts;
}

export interface Virtualization {
  readonly isUsable: boolean;
  readonly reason: string;
  readonly decidedBy: "override" | "facts" | "memory" | "trial";
}

const ProbeFile = v.object({
  formatVersion: v.literal(1),
  host: v.string(),
  isUsable: v.boolean(),
  reason: v.string(),
  probedAt: v.string(),
});

/**
 * Whether microVMs can be booted on this host directly. Decided by what is certain without trying, else by the
 * remembered outcome of a trial on this very host, else by a trial, which is killed when it takes too long.
 *
 * @throws Failure `VirtualizationSettingInvalid`, `ProbeNotPossible`, `Cancelled`
 */
export async function probeVirtualization(
  options: ProbeOptions,
  signal: AbortSignal,
): Promise<Virtualization> {
  const overridden = readOverride(options.override);
  if (overridden !== undefined) return overridden;
  const facts = options.facts ?? (await readVirtualizationFacts());
  const obstacle = certainObstacle(facts);
  if (obstacle !== undefined) return { isUsable: false, reason: obstacle, decidedBy: "facts" };

  const path = machinePaths(options.home).probe;
  const host = hostIdentity(facts);
  const remembered = options.force === true ? undefined : await readAnswer(path);
  if (remembered?.host === host) {
    return { isUsable: remembered.isUsable, reason: remembered.reason, decidedBy: "memory" };
  }
  const trial = await tryBoot(options.command, options.timeoutMs ?? 15_000, signal);
  const probedAt = new Date().toISOString();
  const { default: writeFileAtomic } = await import("write-file-atomic");
  await mkdir(dirname(path), { recursive: true });
  await writeFileAtomic(path, `${JSON.stringify({ formatVersion: 1, host, ...trial, probedAt }, null, 2)}\n`);
  return { ...trial, decidedBy: "trial" };
}

function readOverride(value: string | undefined): Virtualization | undefined {
  switch (value) {
    case undefined:
    case "":
      return undefined;
    case "native":
    case "machine":
      return {
        isUsable: value === "native",
        reason: `LIGHTBOX_VIRTUALIZATION is ${value}`,
        decidedBy: "override",
      };
    default:
      throw new Failure({
        code: "VirtualizationSettingInvalid",
        category: "usage",
        message: `LIGHTBOX_VIRTUALIZATION is ${JSON.stringify(value)}, but must be native or machine`,
        hint: "correct or unset LIGHTBOX_VIRTUALIZATION",
      });
  }
}

/** Changes with whatever may change the answer: kernel, device, processor. */
function hostIdentity(facts: VirtualizationFacts): string {
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}

async function readAnswer(path: string): Promise<v.InferOutput<typeof ProbeFile> | undefined> {
  try {
    const parsed = v.safeParse(ProbeFile, JSON.parse(await readFile(path, "utf8")));
    return parsed.success ? parsed.output : undefined;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

interface Trial {
  readonly isUsable: boolean;
  readonly reason: string;
}

/**
 * Runs the child in a process group of its own. It is killed when its time is up, and not waited for: stuck in
 * the kernel, it may ignore even SIGKILL.
 */
async function tryBoot(command: readonly string[], timeoutMs: number, signal: AbortSignal): Promise<Trial> {
  const [program, ...rest] = command;
  if (program === undefined) throw new Error("internal error: empty command");
  const child = spawn(program, rest, { detached: true, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-4096);
  });
  const ended = Promise.withResolvers<number | "too-slow" | "cancelled">();
  child.once("error", ended.reject);
  child.once("close", (code) => ended.resolve(code ?? probeExit.bootFailed));
  const timer = setTimeout(() => ended.resolve("too-slow"), timeoutMs);
  const cancel = () => ended.resolve("cancelled");
  signal.addEventListener("abort", cancel, { once: true });
  if (signal.aborted) cancel();
  try {
    return explainTrial(await ended.promise, lastLines(said, 3), timeoutMs);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", cancel);
    killGroup(child.pid);
    child.stderr.destroy();
    child.unref();
  }
}

function explainTrial(outcome: number | "too-slow" | "cancelled", said: string, timeoutMs: number): Trial {
  switch (outcome) {
    case probeExit.booted:
      return { isUsable: true, reason: "a microVM booted" };
    case probeExit.bootFailed:
      return { isUsable: false, reason: `a microVM did not boot: ${said || "no reason given"}` };
    case "too-slow":
      return { isUsable: false, reason: `a microVM did not boot within ${timeoutMs / 1000} s` };
    case "cancelled":
      throw new Failure({ code: "Cancelled", category: "cancelled", message: "stopped on request" });
    default:
      throw new Failure({
        code: "ProbeNotPossible",
        category: "environment",
        message: `cannot find out whether virtualization works here: ${said || `the probe exited with ${outcome}`}`,
        hint: "see `lightbox doctor`, or decide with LIGHTBOX_VIRTUALIZATION=native or =machine",
      });
  }
}

/** Whatever the child has started, too; a group that is gone already is fine. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (systemErrorCode(error) !== "ESRCH") throw error;
  }
}
