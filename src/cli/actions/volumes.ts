import prettyBytes from "pretty-bytes";
import { withWorker } from "../../host/choose-worker.ts";
import type { WorkerOptions } from "../../host/host-context.ts";
import { oneLine } from "../../render/step-directory.ts";
import type { VolumeDescription } from "../../worker/worker.ts";
import { formatAge } from "../age.ts";
import { exitCodes } from "../exit-code.ts";
import type { CreateVolumeOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { formatTable } from "../table.ts";
import { withEachName } from "./for-each-name.ts";

export async function listVolumes(
  options: WorkerOptions & { readonly format: string },
  session: Session,
): Promise<number> {
  return await withWorker(options, session, async (worker) => {
    const volumes = await worker.listVolumes(session.signal);
    const isJson = options.format === "json";
    session.stdout.write(isJson ? `${JSON.stringify(volumes, null, 2)}\n` : volumeTable(volumes));
    return exitCodes.success;
  });
}

function volumeTable(volumes: readonly VolumeDescription[]): string {
  return formatTable(
    ["VOLUME", "CREATED", "SIZE", "LABELS"],
    volumes.map(({ name, createdAt, sizeBytes, labels }) => [
      name,
      formatAge(createdAt),
      prettyBytes(sizeBytes, { binary: true }),
      oneLine(formatLabels(labels)),
    ]),
  );
}

/** Prints the name; of a volume that is there already it says on stderr when its labels are others. */
export async function createVolume(
  name: string,
  options: CreateVolumeOptions,
  session: Session,
): Promise<number> {
  return await withWorker(options, session, async (worker) => {
    const { labels } = await worker.ensureVolume({ name, labels: options.label }, session.signal);
    if (Object.entries(options.label).some(([key, value]) => labels[key] !== value)) {
      const kept = formatLabels(labels) || "none";
      session.stderr.write(`volume ${name} was there already; it keeps its labels: ${oneLine(kept)}\n`);
    }
    session.stdout.write(`${name}\n`);
    return exitCodes.success;
  });
}

export function removeVolumes(
  names: readonly string[],
  options: WorkerOptions,
  session: Session,
): Promise<number> {
  return withEachName({ ...options, names }, session, (worker, name) =>
    worker.removeVolume(name, session.signal),
  );
}

function formatLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(", ");
}
