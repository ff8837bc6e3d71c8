import type { Resources } from "../worker/worker.ts";
import type { Lineage } from "./lineages.ts";

export interface ScheduledLineage {
  readonly lineage: Lineage;
  readonly resources: Resources;
}

export interface Schedule<Trouble> {
  /** Each comes after those it waits for. */
  readonly lineages: readonly ScheduledLineage[];
  readonly capacity: Resources;
  /**
   * Runs one lineage. Resolves with what went wrong in a step, or with undefined when all went well.
   * @throws Failure for trouble that is nobody's step's fault, or when the signal is aborted.
   */
  run(scheduled: ScheduledLineage, signal: AbortSignal): Promise<Trouble | undefined>;
  /** Told once for a lineage that could start but for the CPUs and memory that others have. */
  onWaiting(scheduled: ScheduledLineage): void;
}

export type ScheduleOutcome<Trouble> =
  | { readonly kind: "completed" }
  /** The first lineage's trouble; the others were cancelled, and what they sealed is kept. */
  | { readonly kind: "failed"; readonly trouble: Trouble }
  | { readonly kind: "cancelled" };

type LineageState = "blocked" | "running" | "done";

/**
 * Runs lineages side by side: one starts when all that it waits for are done and its builder fits beside those that
 * run. The first trouble stops the rest: nothing more starts, running lineages are cancelled and awaited, so that
 * nothing of the bake goes on after this resolves.
 * @throws what `run` threw first, after everything has stopped.
 */
export async function runSchedule<Trouble>(
  schedule: Schedule<Trouble>,
  signal: AbortSignal,
): Promise<ScheduleOutcome<Trouble>> {
  const stop = new AbortController();
  const states = new Map<ScheduledLineage, LineageState>(
    schedule.lineages.map((scheduled) => [scheduled, "blocked"]),
  );
  const told = new Set<ScheduledLineage>();
  const running = new Map<ScheduledLineage, Promise<void>>();
  let firstTrouble: Trouble | undefined;
  let firstError: { readonly error: unknown } | undefined;

  const onAbort = () => stop.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();

  const runOne = async (scheduled: ScheduledLineage): Promise<void> => {
    try {
      const trouble = await schedule.run(scheduled, stop.signal);
      if (trouble !== undefined && !stop.signal.aborted) firstTrouble = trouble;
      if (trouble !== undefined) stop.abort();
    } catch (error) {
      // After a stop the lineages that still ran end by throwing `cancelled`: a consequence, not a cause.
      if (!stop.signal.aborted) firstError = { error };
      stop.abort();
    } finally {
      states.set(scheduled, "done");
      running.delete(scheduled);
    }
  };

  const startWhatFits = () => {
    for (const scheduled of schedule.lineages) {
      if (states.get(scheduled) !== "blocked" || !isReady(scheduled, schedule.lineages, states)) continue;
      if (!fits(scheduled.resources, [...running.keys()], schedule.capacity)) {
        if (!told.has(scheduled)) schedule.onWaiting(scheduled);
        told.add(scheduled);
        continue;
      }
      states.set(scheduled, "running");
      running.set(scheduled, runOne(scheduled));
    }
  };

  try {
    while (!stop.signal.aborted) {
      startWhatFits();
      if (running.size === 0) break;
      await Promise.race(running.values());
    }
    await Promise.all(running.values());
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
  if (firstError !== undefined) throw firstError.error;
  if (firstTrouble !== undefined) return { kind: "failed", trouble: firstTrouble };
  if (signal.aborted) return { kind: "cancelled" };
  return { kind: "completed" };
}

function isReady(
  scheduled: ScheduledLineage,
  all: readonly ScheduledLineage[],
  states: ReadonlyMap<ScheduledLineage, LineageState>,
): boolean {
  return scheduled.lineage.after.every((index) =>
    all.every((other) => other.lineage.stage.stage.index !== index || states.get(other) === "done"),
  );
}

/** Whether a builder fits beside the running ones. One that is larger than the whole worker runs alone. */
function fits(wanted: Resources, running: readonly ScheduledLineage[], capacity: Resources): boolean {
  if (running.length === 0) return true;
  const cpus = running.reduce((sum, other) => sum + other.resources.cpus, wanted.cpus);
  const memoryMib = running.reduce((sum, other) => sum + other.resources.memoryMib, wanted.memoryMib);
  return cpus <= capacity.cpus && memoryMib <= capacity.memoryMib;
}
