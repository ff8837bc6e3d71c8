import prettyBytes from "pretty-bytes";
import { withWorker } from "../../host/choose-worker.ts";
import type { WorkerOptions } from "../../host/host-context.ts";
import type { LayerKey } from "../../model/identifiers.ts";
import { oneLine } from "../../render/step-directory.ts";
import type { SnapshotDescription, SnapshotInspection, Worker } from "../../worker/worker.ts";
import { formatAge } from "../age.ts";
import { exitCodes } from "../exit-code.ts";
import type { Session } from "../session.ts";
import { formatTable } from "../table.ts";
import { withEachName } from "./for-each-name.ts";

export async function listSnapshots(
  options: WorkerOptions & { readonly format: string },
  session: Session,
): Promise<number> {
  return await withWorker(options, session, async (worker) => {
    const snapshots = await worker.listSnapshots(session.signal);
    if (options.format === "json") {
      session.stdout.write(`${JSON.stringify(snapshots, null, 2)}\n`);
      return exitCodes.success;
    }
    session.stdout.write(snapshotTable(snapshots));
    return exitCodes.success;
  });
}

function snapshotTable(snapshots: readonly SnapshotDescription[]): string {
  return formatTable(
    ["SNAPSHOT", "LAYER", "BASE", "CREATED", "SIZE"],
    snapshots.map(({ name, layer, imageReference, createdAt, sizeBytes }) => [
      name,
      layer?.slice(0, 12) ?? "-",
      imageReference,
      formatAge(createdAt),
      // A layer takes space: without any, it is not there any more.
      layer !== null && sizeBytes === 0 ? "damaged" : formatBytes(sizeBytes),
    ]),
  );
}

export async function inspectSnapshot(
  name: string,
  options: WorkerOptions,
  session: Session,
): Promise<number> {
  return await withWorker(options, session, async (worker) => {
    session.stdout.write(`${JSON.stringify(await worker.inspectSnapshot(name, session.signal), null, 2)}\n`);
    return exitCodes.success;
  });
}

interface HistoryRow {
  readonly title: string;
  readonly layer: LayerKey | null;
  /** Null for what has no layer of its own, or one that is gone. */
  readonly sizeBytes: number | null;
  readonly sealedAt: string | null;
}

export async function showHistory(
  name: string,
  options: WorkerOptions & { readonly format: string },
  session: Session,
): Promise<number> {
  return await withWorker(options, session, async (worker) => {
    const snapshot = await worker.inspectSnapshot(name, session.signal);
    const rows = await historyOf(snapshot, worker, session.signal);
    if (options.format === "json") {
      session.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
      return exitCodes.success;
    }
    session.stdout.write(`base ${snapshot.imageReference} (${snapshot.imageDigest})\n`);
    const cells = rows.map((row) => [
      row.layer?.slice(0, 12) ?? "-",
      row.sizeBytes === null ? "-" : formatBytes(row.sizeBytes),
      row.sealedAt === null ? "-" : formatAge(row.sealedAt),
      oneLine(row.title),
    ]);
    session.stdout.write(formatTable(["LAYER", "SIZE", "SEALED", "INSTRUCTION"], cells));
    return exitCodes.success;
  });
}

async function historyOf(
  { history }: SnapshotInspection,
  worker: Worker,
  signal: AbortSignal,
): Promise<readonly HistoryRow[]> {
  const keys = history.flatMap((entry) => (entry.layer === null ? [] : [entry.layer]));
  const layers = await worker.findLayers(keys, signal);
  return history.map(({ title, layer }) => {
    const found = layer === null ? undefined : layers.get(layer);
    return { title, layer, sizeBytes: found?.sizeBytes ?? null, sealedAt: found?.sealedAt ?? null };
  });
}

export function removeSnapshots(
  names: readonly string[],
  options: WorkerOptions,
  session: Session,
): Promise<number> {
  return withEachName({ ...options, names }, session, (worker, name) =>
    worker.removeSnapshot(name, session.signal),
  );
}

function formatBytes(sizeBytes: number): string {
  return prettyBytes(sizeBytes, { binary: true });
}
