import type { Fix } from "../diagnostics/fix.ts";
import type { Range, SourceFile } from "../diagnostics/source-file.ts";

/** A fix that keeps the meaning, or writes what was certainly meant. */
export function safeFix(title: string, range: Range, newText: string): Fix {
  return { title, edits: [{ range, newText }], isSafe: true };
}

/** A fix that somebody should look at: an editor offers it, `check --fix` leaves it. */
export function proposedFix(title: string, range: Range, newText: string): Fix {
  return { title, edits: [{ range, newText }], isSafe: false };
}

/** The lines of a range, with the line feed at their end. */
export function wholeLines(source: SourceFile, range: Range): Range {
  const start = source.text.lastIndexOf("\n", range.start - 1) + 1;
  const end = source.text.indexOf("\n", range.end);
  return { start, end: end === -1 ? source.text.length : end + 1 };
}

/** A range with the blanks behind it. */
export function withBlanksAfter(source: SourceFile, range: Range): Range {
  let { end } = range;
  while (source.text[end] === " " || source.text[end] === "\t") end++;
  return { start: range.start, end };
}
