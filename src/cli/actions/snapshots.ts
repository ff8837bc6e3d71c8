import prettyBytes from "pretty-bytes";
import { formatAge } from "../age.ts";
import { withWorker } from "../open-worker.ts";
import type { WorkerOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { formatTable } from "../table.ts";

export async function listSnapshots(
  options: WorkerOptions & { readonly format: string },
  session: Session,
): Promise<number> {
  return await withWorker(options, session, async (worker) => {
    const snapshots = await worker.listSnapshots(session.signal);
    if (options.format === "json") {
      session.stdout.write(`${JSON.stringify(snapshots, null, 2)}\n`);
      return 0;
    }
    session.stdout.write(
      formatTable(
        ["SNAPSHOT", "LAYER", "BASE", "CREATED", "SIZE"],
        snapshots.map((snapshot) => [
          snapshot.name,
          snapshot.layer?.slice(0, 12) ?? "-",
          snapshot.imageReference,
          formatAge(snapshot.createdAt),
          prettyBytes(snapshot.sizeBytes, { binary: true }),
        ]),
      ),
    );
    return 0;
  });
}

export async function inspectSnapshot(
  name: string,
  options: WorkerOptions,
  session: Session,
): Promise<number> {
  return await withWorker(options, session, async (worker) => {
    session.stdout.write(`${JSON.stringify(await worker.inspectSnapshot(name, session.signal), null, 2)}\n`);
    return 0;
  });
}

export async function showHistory(name: string, options: WorkerOptions, session: Session): Promise<number> {
  return await withWorker(options, session, async (worker) => {
    const snapshot = await worker.inspectSnapshot(name, session.signal);
    const keys = snapshot.history.flatMap((entry) => (entry.layer === null ? [] : [entry.layer]));
    const layers = await worker.findLayers(keys, session.signal);
    const rows = snapshot.history.map((entry) => {
      const layer = entry.layer === null ? undefined : layers.get(entry.layer);
      return [
        entry.layer?.slice(0, 12) ?? "-",
        layer === undefined ? "" : prettyBytes(layer.sizeBytes, { binary: true }),
        layer === undefined ? "" : formatAge(layer.sealedAt),
        entry.title,
      ];
    });
    session.stdout.write(`base ${snapshot.imageReference} (${snapshot.imageDigest})\n`);
    session.stdout.write(formatTable(["LAYER", "SIZE", "SEALED", "INSTRUCTION"], rows));
    return 0;
  });
}

export async function removeSnapshots(
  names: readonly string[],
  options: WorkerOptions,
  session: Session,
): Promise<number> {
  return await withWorker(options, session, async (worker) => {
    for (const name of names) {
      await worker.removeSnapshot(name, session.signal);
      session.stdout.write(`${name}\n`);
    }
    return 0;
  });
}
