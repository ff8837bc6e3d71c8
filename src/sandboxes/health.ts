import { setTimeout as delay } from "node:timers/promises";
import { Failure } from "../diagnostics/failure.ts";
import type { Healthcheck } from "../model/sandbox-configuration.ts";
import { collectExec } from "../worker/collect-exec.ts";
import type { SandboxDescription, Worker } from "../worker/worker.ts";

/** `starting`: the check fails, in the time that HEALTHCHECK gives for the start. */
export type Health = "starting" | "healthy" | "unhealthy";

interface Checked {
  readonly isHealthy: boolean;
  /** What the check printed, or why it could not be made. */
  readonly output: string;
}

/** Runs a sandbox's check once; null: it has none, or does not run. */
export async function askHealth(
  worker: Worker,
  sandbox: SandboxDescription,
  signal: AbortSignal,
): Promise<Health | null> {
  const { healthcheck } = sandbox.configuration;
  if (healthcheck === null || sandbox.status !== "running") return null;
  const { isHealthy } = await check(worker, { sandbox, healthcheck }, signal);
  if (isHealthy) return "healthy";
  return isStarting(sandbox, healthcheck) ? "starting" : "unhealthy";
}

/**
 * Checks as HEALTHCHECK says until the sandbox is healthy. The first check is made at once: whoever waits wants to
 * know soon.
 * @throws Failure `SandboxUnhealthy` after as many failures in a row as HEALTHCHECK says, `NoHealthcheck`
 */
export async function waitUntilHealthy(
  worker: Worker,
  sandbox: SandboxDescription,
  signal: AbortSignal,
): Promise<void> {
  const { healthcheck } = sandbox.configuration;
  if (healthcheck === null) throw noHealthcheck(sandbox);
  for (let failures = 0; ; ) {
    const { isHealthy, output } = await check(worker, { sandbox, healthcheck }, signal);
    if (isHealthy) return;
    const starts = isStarting(sandbox, healthcheck);
    if (!starts) failures += 1;
    if (failures >= healthcheck.retries) throw unhealthy(sandbox, failures, output);
    await delay(starts ? healthcheck.startIntervalMs : healthcheck.intervalMs, undefined, { signal });
  }
}

function isStarting({ createdAt }: SandboxDescription, { startPeriodMs }: Healthcheck): boolean {
  return Date.now() - Date.parse(createdAt) < startPeriodMs;
}

async function check(
  worker: Worker,
  { sandbox, healthcheck }: { readonly sandbox: SandboxDescription; readonly healthcheck: Healthcheck },
  signal: AbortSignal,
): Promise<Checked> {
  const limit = AbortSignal.timeout(healthcheck.timeoutMs);
  try {
    const { exitCode, output } = await collectExec(
      worker,
      { sandbox: sandbox.name, argv: healthcheck.command },
      AbortSignal.any([signal, limit]),
    );
    return { isHealthy: exitCode === 0, output };
  } catch (error) {
    if (signal.aborted || !(error instanceof Failure)) throw error;
    if (limit.aborted) return { isHealthy: false, output: `it took longer than ${healthcheck.timeoutMs} ms` };
    // A program that is not there, for example.
    if (error.category !== "usage") throw error;
    return { isHealthy: false, output: error.message };
  }
}

function noHealthcheck({ name }: SandboxDescription): Failure {
  return new Failure({
    code: "NoHealthcheck",
    category: "usage",
    message: `sandbox ${name} has no health check to wait for`,
    hint: "write HEALTHCHECK CMD command into its Lightfile, or leave --wait-healthy out",
  });
}

function unhealthy({ name }: SandboxDescription, failures: number, output: string): Failure {
  const lines = output.trim();
  return new Failure({
    code: "SandboxUnhealthy",
    category: "step",
    message: `sandbox ${name} is unhealthy: ${failures} checks in a row failed${lines === "" ? "" : `, the last one with\n${lines}`}`,
    hint: `it still runs: look inside with \`lightbox shell ${name}\`, remove it with \`lightbox rm -f ${name}\``,
  });
}
