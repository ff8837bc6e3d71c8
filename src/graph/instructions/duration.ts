import type { Flag } from "../../lightfile/ast.ts";
import type { StageBuilder } from "../stage-builder.ts";
import { flagValue } from "./flags.ts";

const millisecondsIn: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3, // the micro sign
  μs: 1e-3, // the Greek letter
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const amountWithUnit = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/;
const wholeDuration = new RegExp(`^\\+?(?:${amountWithUnit.source})+$`);

/**
 * Milliseconds of a time such as `90s`, `1m30s`, `.5h` or `500ms`, as Go's `time.ParseDuration` reads it, which Docker
 * does; a bare 0 is one, too. Null when it is none, or a negative one.
 */
function parseDuration(text: string): number | null {
  if (/^[+-]?0$/.test(text)) return 0;
  if (!wholeDuration.test(text)) return null;
  let sum = 0;
  for (const [, amount = "", unit = ""] of text.matchAll(new RegExp(amountWithUnit, "g"))) {
    sum += Number(amount) * (millisecondsIn[unit] ?? 0);
  }
  return sum;
}

/** What a time of 0 means where it may stand. */
export interface DurationBounds {
  /** `refused` is the default. */
  readonly zero?: "allowed" | "refused";
}

/** A flag's time in whole milliseconds, 0 or at least 1; null when it is absent or wrong. */
export function readDuration(
  stage: StageBuilder,
  flag: Flag | undefined,
  { zero = "refused" }: DurationBounds = {},
): number | null {
  const value = flagValue(stage, flag);
  if (flag === undefined || value === null) return null;
  const durationMs = parseDuration(value);
  if (durationMs !== null && (durationMs >= 1 || (durationMs === 0 && zero === "allowed"))) {
    return Math.round(durationMs);
  }
  const name = flag.name.text;
  stage.findings.error("InvalidDuration", `--${name}=${value} is no time`, flag.range, {
    hint: durationHint(name, value, durationMs),
  });
  return null;
}

function durationHint(name: string, value: string, durationMs: number | null): string {
  if (durationMs === 0) return `take the flag out: without --${name} there is no limit`;
  if (durationMs !== null) return `the shortest time is --${name}=1ms`;
  return /^\d+$/.test(value)
    ? `a number needs a unit: --${name}=${value}s`
    : `write a number with ms, s, m or h, e.g. --${name}=90s or --${name}=1m30s`;
}

/** A flag's whole number within bounds; null when it is absent or wrong. */
export function readCount(
  stage: StageBuilder,
  flag: Flag | undefined,
  { least, most }: { readonly least: number; readonly most: number },
): number | null {
  const value = flagValue(stage, flag);
  if (flag === undefined || value === null) return null;
  const count = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (count >= least && count <= most) return count;
  stage.findings.error("InvalidCount", `--${flag.name.text}=${value} cannot be`, flag.range, {
    hint: `write a whole number from ${least} to ${most}`,
  });
  return null;
}
