import { Failure } from "../diagnostics/failure.ts";
import { Machine } from "../machine/machine.ts";
import { describeMachineEvent } from "../machine/machine-events.ts";
import { machineResources } from "../machine/machine-resources.ts";
import type { Worker } from "../worker/worker.ts";
import { findPackageDirectory } from "./package-directory.ts";
import type { Session } from "./session.ts";

export function openMachine(session: Session): Machine {
  return new Machine({
    home: session.home.directory,
    packageDirectory: findPackageDirectory(),
    resources: machineResources(session.environment),
    mayRestart: async (endpoint) => !(await hasRunningSandboxes(endpoint, session)),
  });
}

/** The machine's worker, started first when it does not run; what that takes is told on stderr. */
export async function openMachineWorker(session: Session): Promise<Worker> {
  const machine = openMachine(session);
  const endpoint = await machine.ensureRunning(session.signal, (event) => {
    session.stderr.write(`machine: ${describeMachineEvent(event)}\n`);
  });
  const { connectWorker } = await import("../worker/remote/connect-worker.ts");
  const { machineWorker } = await import("../machine/machine-worker.ts");
  const worker = await connectWorker({ ...endpoint, version: session.version, signal: session.signal });
  return machineWorker(worker, machine);
}

/** A machine of another version is only restarted when that ends nobody's sandbox. */
async function hasRunningSandboxes(
  endpoint: { readonly url: string; readonly token: string },
  session: Session,
): Promise<boolean> {
  const { connectWorker } = await import("../worker/remote/connect-worker.ts");
  try {
    await using worker = await connectWorker({
      ...endpoint,
      version: session.version,
      signal: session.signal,
    });
    const sandboxes = await worker.listSandboxes(session.signal);
    return sandboxes.some((sandbox) => sandbox.status === "running");
  } catch (error) {
    // It speaks another protocol, so it can be of no use to this lightbox either way.
    if (error instanceof Failure && error.code === "WorkerVersionMismatch") return false;
    throw error;
  }
}
