import type { SourceFile } from "../diagnostics/source-file.ts";
import { applyEdits, chooseSafeFixes } from "./apply-fixes.ts";
import { type LintOptions, lint } from "./lint.ts";

export interface FixedText {
  readonly text: string;
  /** What was done, in order. */
  readonly titles: readonly string[];
}

/** One fix may make room for another; more rounds than this would mean that two of them undo each other. */
const mostRounds = 10;

/** The text after all safe fixes of what `lint` says about it. */
export function fixText(source: SourceFile, options: LintOptions = {}): FixedText {
  const titles: string[] = [];
  let { text } = source;
  for (let round = 0; round < mostRounds; round++) {
    const fixes = chooseSafeFixes(lint({ ...source, text }, options).flatMap((finding) => finding.fixes));
    if (fixes.length === 0) break;
    titles.push(...fixes.map(({ title }) => title));
    text = applyEdits(
      text,
      fixes.flatMap(({ edits }) => edits),
    );
  }
  return { text, titles };
}
