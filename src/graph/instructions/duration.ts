import type { Flag } from "../../lightfile/ast.ts";
import type { StageBuilder } from "../stage-builder.ts";
import { flagValue } from "./flags.ts";

const millisecondsIn: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a time such as `90s`, `1m30s`, `1.5h` or `500ms`; null when it is none. */
export function parseDuration(text: string): number | null {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text)) return null;
  let sum = 0;
  for (const [, amount = "", unit = ""] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    sum += Number(amount) * (millisecondsIn[unit] ?? 0);
  }
  return Math.round(sum);
}

/** A flag's time in milliseconds, at least `leastMs`; null when it is absent or wrong. */
export function readDuration(stage: StageBuilder, flag: Flag | undefined, leastMs = 1): number | null {
  const value = flagValue(stage, flag);
  if (flag === undefined || value === null) return null;
  const durationMs = parseDuration(value);
  if (durationMs !== null && durationMs >= leastMs) return durationMs;
  const name = flag.name.text;
  stage.findings.error("InvalidDuration", `--${name}=${value} is no time`, flag.range, {
    hint: /^\d+$/.test(value)
      ? `a number needs a unit: --${name}=${value}s`
      : `write a number with ms, s, m or h, e.g. --${name}=90s or --${name}=1m30s`,
  });
  return null;
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
