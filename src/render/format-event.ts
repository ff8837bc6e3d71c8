import prettyBytes from "pretty-bytes";
import prettyMilliseconds from "pretty-ms";
import type {
  BakeCompleted,
  BaseProgress,
  BaseResolved,
  BaseRetrying,
  SourceProgress,
  StepCached,
  StepFailed,
  StepWaiting,
  TestPassed,
} from "../bake/events.ts";
import { unreachable } from "../diagnostics/unreachable.ts";

/** The wording that all renderers for people share. */

export function formatDuration(durationMs: number): string {
  return prettyMilliseconds(Math.max(0, durationMs), { secondsDecimalDigits: 1 });
}

export function formatSize(sizeBytes: number): string {
  return prettyBytes(sizeBytes);
}

/** Enough of a digest to tell it from others. */
function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, "").slice(0, 12);
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

export function formatBaseResolved(event: BaseResolved): string {
  const how = event.remembered ? "remembered" : `asked in ${formatDuration(event.durationMs)}`;
  return `${event.reference} is ${shortDigest(event.digest)} (${how})`;
}

export function formatBaseRetrying(event: BaseRetrying): string {
  return `${event.reference}: ${event.registry} is asked again in ${formatDuration(event.waitMs)}: ${event.reason}`;
}

export function formatBaseProgress(event: BaseProgress): string {
  const verb = event.phase === "pull" ? "pulled" : "sent to the worker";
  const total = event.totalBytes === null ? "" : ` of ${formatSize(event.totalBytes)}`;
  return `${event.reference}: ${formatSize(event.doneBytes)}${total} ${verb}`;
}

export function formatSourceProgress({ source, doneBytes, totalBytes }: SourceProgress): string {
  const total = totalBytes === null ? "" : ` of ${formatSize(totalBytes)}`;
  return `${source}: ${formatSize(doneBytes)}${total} fetched`;
}

export function formatCached(event: StepCached): string {
  switch (event.source) {
    case "store":
      return event.savedMs > 0 ? `saved ${formatDuration(event.savedMs)}` : "";
    case "other-bake":
      return "made by another bake";
    case "not-needed":
      return "not needed";
    default:
      return unreachable(event.source);
  }
}

export function formatWaiting(event: StepWaiting): string {
  switch (event.reason) {
    case "resources":
      return "for CPUs or memory";
    case "other-bake":
      return "for another bake that runs this step";
    default:
      return unreachable(event.reason);
  }
}

export function formatTestPassed({ remembered, durationMs }: TestPassed): string {
  return remembered ? "passed before on this result" : `passed in ${formatDuration(durationMs)}`;
}

export function formatStepFailure(reason: StepFailed["reason"]): string {
  switch (reason.kind) {
    case "exit":
      return `exit code ${reason.exitCode}`;
    case "refused":
      return reason.message;
    default:
      return unreachable(reason);
  }
}

/** The last line: what came of it all. None after mistakes: they are printed behind it and say it themselves. */
export function formatCompleted(event: BakeCompleted): string | null {
  const saved = event.savedMs > 0 ? ` (saved ${formatDuration(event.savedMs)})` : "";
  const tests = event.passedTestCount === 0 ? "" : `, ${plural(event.passedTestCount, "test")} passed`;
  const counts = `${plural(event.ranCount, "step")} run, ${event.cachedCount} cached${saved}${tests}`;
  const time = formatDuration(event.durationMs);
  switch (event.outcome) {
    case "completed": {
      const name = event.snapshot === null ? "baked" : `baked ${event.snapshot}`;
      return `${name} in ${time}: ${counts}`;
    }
    case "step-failed":
    case "test-failed":
      return `failed after ${time}: ${counts}`;
    case "cancelled":
      return `cancelled after ${time}: ${counts}; what was sealed is kept`;
    case "invalid":
      return null;
    default:
      return unreachable(event.outcome);
  }
}
