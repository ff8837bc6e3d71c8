import prettyBytes from "pretty-bytes";
import { withWorker } from "../open-worker.ts";
import type { PruneOptions } from "../options.ts";
import type { Session } from "../session.ts";

export async function pruneLayers(options: PruneOptions, session: Session): Promise<number> {
  return await withWorker(options, session, async (worker) => {
    const report = await worker.prune(
      {
        keepStorageBytes: options.keepStorage ?? null,
        olderThanMs: options.olderThan ?? null,
        dryRun: options.dryRun ?? false,
      },
      session.signal,
    );
    for (const layer of report.layers) {
      session.stdout.write(
        `${layer.key.slice(0, 12)}  ${prettyBytes(layer.sizeBytes, { binary: true })}  ${layer.title}\n`,
      );
    }
    const freed = prettyBytes(report.freedBytes, { binary: true });
    const kept = prettyBytes(report.keptBytes, { binary: true });
    session.stdout.write(
      options.dryRun ? `would free ${freed}, ${kept} would be left\n` : `freed ${freed}, ${kept} left\n`,
    );
    return 0;
  });
}
