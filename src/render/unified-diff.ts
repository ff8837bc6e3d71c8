import { type LineChange, linesOf } from "../lightfile/format/layout-changes.ts";
import type { Colors } from "./colors.ts";

export interface UnifiedDiffOptions {
  /** As the user typed it. */
  readonly path: string;
  readonly colors: Colors;
  /** Makes a line fit for where it is shown. */
  readonly printable: (line: string) => string;
}

const contextLineCount = 3;

/** Changes of a text in the form that `diff -u` prints and `patch -p0` takes; empty when there are none. */
export function unifiedDiff(
  text: string,
  changes: readonly LineChange[],
  { path, colors, printable }: UnifiedDiffOptions,
): string {
  if (changes.length === 0) return "";
  const lines = linesOf(text);
  const out = [colors.bold(`--- ${path}`), colors.bold(`+++ ${path}`)];
  const show = (mark: " " | "-" | "+", line: string): void => {
    const color = mark === "-" ? colors.red : mark === "+" ? colors.green : String;
    out.push(color(`${mark}${printable(line.replace(/\n$/, ""))}`));
    if (!line.endsWith("\n")) out.push("\\ No newline at end of file");
  };
  let added = 0;
  for (const hunk of hunksOf(changes)) {
    const first = hunk[0];
    const last = hunk.at(-1);
    if (first === undefined || last === undefined) continue;
    const start = Math.max(0, first.at - contextLineCount);
    const end = Math.min(lines.length, last.at + last.before.length + contextLineCount);
    const growth = hunk.reduce((sum, { before, after }) => sum + after.length - before.length, 0);
    out.push(colors.cyan(`@@ -${span(start, end - start)} +${span(start + added, end - start + growth)} @@`));
    let at = start;
    for (const change of hunk) {
      for (const line of lines.slice(at, change.at)) show(" ", line);
      for (const line of change.before) show("-", line);
      for (const line of change.after) show("+", line);
      at = change.at + change.before.length;
    }
    for (const line of lines.slice(at, end)) show(" ", line);
    added += growth;
  }
  return `${out.join("\n")}\n`;
}

/** Changes whose surroundings touch are shown as one. */
function hunksOf(changes: readonly LineChange[]): readonly (readonly LineChange[])[] {
  const hunks: LineChange[][] = [];
  for (const change of changes) {
    const previous = hunks.at(-1)?.at(-1);
    const isNear =
      previous !== undefined && change.at - previous.at - previous.before.length <= 2 * contextLineCount;
    if (isNear) hunks.at(-1)?.push(change);
    else hunks.push([change]);
  }
  return hunks;
}

/** Where lines begin, from 1, and how many they are; an empty span is named by the line before it. */
function span(start: number, count: number): string {
  const from = count === 0 ? start : start + 1;
  return count === 1 ? String(from) : `${from},${count}`;
}
