import { Failure } from "../diagnostics/failure.ts";
import { Machine } from "../machine/machine.ts";
import { machineResources } from "../machine/machine-resources.ts";
import type { Worker } from "../worker/worker.ts";
import type { HostContext } from "./host-context.ts";
import { findPackageDirectory } from "./package-directory.ts";

export function openMachine(context: HostContext): Machine {
  return new Machine({
    home: context.home.directory,
    packageDirectory: findPackageDirectory(),
    resources: machineResources(context.environment),
    mayRestart: async (endpoint) => !(await hasRunningSandboxes(endpoint, context)),
  });
}

/** The machine's worker, started first when it does not run; what that takes is told by events. */
export async function openMachineWorker(context: HostContext): Promise<Worker> {
  const machine = openMachine(context);
  const endpoint = await machine.ensureRunning(context.signal, (event) => context.onMachineEvent(event));
  const { connectWorker } = await import("../worker/remote/connect-worker.ts");
  const { machineWorker } = await import("../machine/machine-worker.ts");
  const worker = await connectWorker({ ...endpoint, version: context.version, signal: context.signal });
  return machineWorker(worker, machine);
}

/** A machine of another version is only restarted when that ends nobody's sandbox. */
async function hasRunningSandboxes(
  endpoint: { readonly url: string; readonly token: string },
  context: HostContext,
): Promise<boolean> {
  const { connectWorker } = await import("../worker/remote/connect-worker.ts");
  try {
    await using worker = await connectWorker({
      ...endpoint,
      version: context.version,
      signal: context.signal,
    });
    const sandboxes = await worker.listSandboxes(context.signal);
    return sandboxes.some((sandbox) => sandbox.status === "running");
  } catch (error) {
    // It speaks another protocol, so it can be of no use to this lightbox either way.
    if (error instanceof Failure && error.code === "WorkerVersionMismatch") return false;
    throw error;
  }
}
