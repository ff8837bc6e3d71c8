import cliTruncate from "cli-truncate";
import stringWidth from "fast-string-width";
import type { Colors } from "./colors.ts";
import { formatDuration } from "./format-event.ts";
import type { Activity, LiveState } from "./live-state.ts";
import { lastOverwrite } from "./printable-text.ts";
import { oneLine } from "./step-directory.ts";

export interface FrameOptions {
  readonly columns: number;
  readonly rows: number;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now: number;
  readonly colors: Colors;
}

const spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const spinnerStepMs = 100;
const tailLimit = 5;
/** On a narrower terminal the titles need the place of the times. */
const leastColumnsForTimes = 40;

/**
 * The part of the screen that is redrawn: what goes on now, stages below each other, each with the last lines of
 * its output, and the totals. Never wider or higher than the terminal: what does not fit is cut or counted.
 */
export function liveFrame(state: LiveState, options: FrameOptions): string {
  const { activities } = state;
  const available = Math.max(1, options.rows - 2);
  const shown = activities.slice(0, available);
  const perActivity = shown.length === 0 ? 0 : Math.floor((available - shown.length) / shown.length);
  const tailLines = Math.max(0, Math.min(tailLimit, perActivity));
  const lines = shown.flatMap((activity) => activityLines(activity, tailLines, options));
  return [...lines, totals(state, activities.length - shown.length, options)].join("\n");
}

function activityLines(activity: Activity, tailLines: number, options: FrameOptions): readonly string[] {
  const { colors, now, columns } = options;
  const mark = activity.isWaiting
    ? colors.dim("·")
    : colors.cyan(spinner[Math.floor(now / spinnerStepMs) % spinner.length] ?? "*");
  const label = activity.label === "" ? "" : `${colors.cyan(activity.label)} `;
  const note = activity.note === null ? "" : colors.dim(` (${activity.note})`);
  const time = formatTicking(now - activity.since);
  const head = alignTime(`${mark} ${label}${oneLine(activity.title)}${note}`, time, options);
  const tail = tailLines === 0 ? [] : (activity.tail?.lines() ?? []).slice(-tailLines);
  return [
    head,
    ...tail.map((line) => cliTruncate(colors.dim(`  │ ${oneLine(lastOverwrite(line))}`), columns - 1)),
  ];
}

/** A time that ticks in tenths is restless; a step's exact time is told when it is done. */
function formatTicking(durationMs: number): string {
  return durationMs < 1000 ? "0s" : formatDuration(Math.floor(durationMs / 1000) * 1000);
}

function totals(state: LiveState, hiddenCount: number, { colors, now, columns }: FrameOptions): string {
  const hidden = hiddenCount > 0 ? `${hiddenCount} more running, ` : "";
  const steps = state.steps.size === 0 ? "" : `${state.doneCount} of ${state.steps.size} steps, `;
  const cached = state.cachedCount === 0 ? "" : `${state.cachedCount} cached, `;
  const time = formatTicking(now - state.startedAt);
  return cliTruncate(colors.dim(`${hidden}${steps}${cached}${time}`), columns - 1);
}

/** The text at the left, as far as there is room, and the time at the right. */
export function alignTime(
  text: string,
  time: string,
  { columns, colors }: Pick<FrameOptions, "columns" | "colors">,
): string {
  if (columns < leastColumnsForTimes || time === "") return cliTruncate(text, columns - 1);
  const room = columns - 1 - stringWidth(time) - 1;
  const left = cliTruncate(text, room);
  return `${left}${" ".repeat(room - stringWidth(left) + 1)}${colors.dim(time)}`;
}
