import { Failure } from "../diagnostics/failure.ts";
import type { SnapshotDescription, SnapshotInspection } from "../worker/worker.ts";
import { type HostOptions, useWorker } from "./host.ts";

/** All snapshots of the worker; also what `NAME@previous` stands for. */
export async function listSnapshots(options: HostOptions = {}): Promise<readonly SnapshotDescription[]> {
  return await useWorker(options, (worker, signal) => worker.listSnapshots(signal));
}

/** A snapshot with its layers and the configuration that it records. @throws Failure `UnknownSnapshot` */
export async function inspectSnapshot(name: string, options: HostOptions = {}): Promise<SnapshotInspection> {
  return await useWorker(options, (worker, signal) => worker.inspectSnapshot(name, signal));
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
  await useWorker(options, (worker, signal) => worker.removeSnapshot(name, signal));
}
