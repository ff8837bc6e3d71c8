import { Failure } from "../diagnostics/failure.ts";
import { withWorker } from "../host/choose-worker.ts";
import type { SnapshotDescription, SnapshotInspection } from "../worker/worker.ts";
import { type HostOptions, hostContext } from "./host.ts";

/** All snapshots of the worker; also what `NAME@previous` stands for. */
export async function listSnapshots(options: HostOptions = {}): Promise<readonly SnapshotDescription[]> {
  const context = hostContext(options);
  return await withWorker(options, context, (worker) => worker.listSnapshots(context.signal));
}

/** A snapshot with its layers and the configuration that it records. @throws Failure `UnknownSnapshot` */
export async function inspectSnapshot(name: string, options: HostOptions = {}): Promise<SnapshotInspection> {
  const context = hostContext(options);
  return await withWorker(options, context, (worker) => worker.inspectSnapshot(name, context.signal));
}

export async function snapshotExists(name: string, options: HostOptions = {}): Promise<boolean> {
  try {
    await inspectSnapshot(name, options);
    return true;
  } catch (error) {
    if (error instanceof Failure && error.code === "UnknownSnapshot") return false;
    throw error;
  }
}

/** Takes the name away; its layers stay until `lightbox prune`. @throws Failure `UnknownSnapshot` */
export async function removeSnapshot(name: string, options: HostOptions = {}): Promise<void> {
  const context = hostContext(options);
  await withWorker(options, context, (worker) => worker.removeSnapshot(name, context.signal));
}
