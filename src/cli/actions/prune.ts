import prettyBytes from "pretty-bytes";
import { imagesOfLastBakes } from "../../bake/history.ts";
import { pruneSources } from "../../bake/prune-sources.ts";
import { withWorker } from "../../host/choose-worker.ts";
import { openImageStore } from "../../images/image-store.ts";
import { type PrunedImages, pruneImages } from "../../images/prune-images.ts";
import type { Sha256Digest } from "../../model/identifiers.ts";
import { oneLine } from "../../render/step-directory.ts";
import type { Worker } from "../../worker/worker.ts";
import { exitCodes } from "../exit-code.ts";
import type { PruneOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { sourcesInUseSince } from "../sources-in-use.ts";

/** `lightbox prune`: the worker's layers first, then this host's base images and what was fetched for bakes. */
export async function prune(options: PruneOptions, session: Session): Promise<number> {
  const dryRun = options.dryRun ?? false;
  const olderThanMs = options.olderThan ?? null;
  return await withWorker(options, session, async (worker) => {
    const keepStorageBytes = options.keepStorage ?? null;
    const report = await worker.prune({ keepStorageBytes, olderThanMs, dryRun }, session.signal);
    for (const layer of report.layers) {
      session.stdout.write(
        `${layer.key.slice(0, 12)}  ${formatBytes(layer.sizeBytes)}  ${oneLine(layer.title)}\n`,
      );
    }
    for (const { id, sizeBytes } of report.caches) {
      session.stdout.write(`cache         ${formatBytes(sizeBytes)}  ${oneLine(id)}\n`);
    }
    session.stdout.write(`layers: ${summary(report, dryRun)}\n`);
    if (keepStorageBytes !== null && report.keptBytes > keepStorageBytes) {
      const others = olderThanMs === null ? "" : ", or was used lately";
      session.stderr.write(
        `that is more than ${formatBytes(keepStorageBytes)}: snapshots and sandboxes need the rest${others}\n`,
      );
    }
    const images = await pruneImages(openImageStore(session.home.images), {
      needed: await neededImages(worker, session),
      olderThanMs,
      dryRun,
      nowMs: Date.now(),
    });
    session.stdout.write(`base images on this host: ${summary(images, dryRun)}\n`);
    const homeDirectory = session.home.directory;
    const sources = await pruneSources({
      homeDirectory,
      keepStorageBytes,
      olderThanMs,
      dryRun,
      nowMs: Date.now(),
      inUseSinceMs: await sourcesInUseSince(homeDirectory),
    });
    for (const { name, sizeBytes } of sources.removed) {
      session.stdout.write(`source        ${formatBytes(sizeBytes)}  ${oneLine(name)}\n`);
    }
    session.stdout.write(`fetched sources on this host: ${summary(sources, dryRun)}\n`);
    return exitCodes.success;
  });
}

/** Those that the worker's snapshots, or the last bakes of this host's Lightfiles, stand on. */
async function neededImages(worker: Worker, session: Session): Promise<ReadonlySet<Sha256Digest>> {
  const snapshots = await worker.listSnapshots(session.signal);
  const baked = await imagesOfLastBakes(session.home.directory);
  return new Set([...snapshots.map(({ imageDigest }) => imageDigest), ...baked]);
}

function summary({ freedBytes, keptBytes }: PrunedImages, dryRun: boolean): string {
  const [freed, kept] = [formatBytes(freedBytes), formatBytes(keptBytes)];
  return dryRun ? `would free ${freed}, ${kept} would be left` : `freed ${freed}, ${kept} left`;
}

function formatBytes(sizeBytes: number): string {
  return prettyBytes(sizeBytes, { binary: true });
}
