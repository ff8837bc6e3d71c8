import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { BaseImage } from "../model/base-image.ts";
import type { Worker } from "../worker/worker.ts";
import type { BakeProgress } from "./bake-progress.ts";
import type { ImageSource } from "./image-source.ts";

export interface ImportRequest {
  readonly worker: Worker;
  readonly images: Pick<ImageSource, "openLayout">;
  readonly progress: BakeProgress;
}

/** Pulls an image and hands it to the worker while it comes in; nothing of it is kept on the way. */
export async function importBase(
  image: BaseImage,
  { worker, images, progress }: ImportRequest,
  signal: AbortSignal,
): Promise<void> {
  const { reference, digest } = image;
  const startedAt = progress.now();
  const onProgress = (phase: "pull" | "import", doneBytes: number, totalBytes: number | null) =>
    progress.emit({ kind: "base-progress", reference, phase, doneBytes, totalBytes });
  const layout = await images.openLayout(
    image,
    {
      onProgress: (pulled) => onProgress("pull", pulled.doneBytes, pulled.totalBytes),
      onRetry: (retry) => progress.emit({ kind: "base-retrying", reference, ...retry }),
    },
    signal,
  );
  const sent = countBytes((doneBytes) => onProgress("import", doneBytes, null));
  const sending = pipeline(layout, sent, { signal });
  try {
    await Promise.all([sending, worker.importImage(image, sent, signal)]);
  } finally {
    // An import that was refused leaves the layout unread.
    layout.destroy();
    sent.destroy();
    await Promise.allSettled([sending]);
  }
  progress.emit({ kind: "base-imported", reference, digest, durationMs: progress.now() - startedAt });
}

/** So that a fast pull does not drown its readers in events. */
const reportEveryBytes = 1024 * 1024;

function countBytes(report: (doneBytes: number) => void): Transform {
  let doneBytes = 0;
  let reportedBytes = 0;
  return new Transform({
    transform(chunk: Uint8Array, _encoding, callback) {
      doneBytes += chunk.byteLength;
      if (doneBytes - reportedBytes >= reportEveryBytes) {
        reportedBytes = doneBytes;
        report(doneBytes);
      }
      callback(null, chunk);
    },
    flush(callback) {
      report(doneBytes);
      callback();
    },
  });
}
