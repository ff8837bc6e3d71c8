import type { Diagnostic, Severity } from "../diagnostics/diagnostic.ts";
import {
  lineText,
  type Position,
  positionAt,
  type Range,
  type SourceFile,
  wholeText,
} from "../diagnostics/source-file.ts";

/** A place in a text as plain data: what a printer needs, without the whole text. */
export interface LocatedText {
  /** As the user typed it. */
  readonly path: string;
  readonly start: Position;
  /** Just past the last character. */
  readonly end: Position;
  /** The lines from `start.line` on, at most {@link excerptLineLimit} of them; none for the whole text. */
  readonly lines: readonly ExcerptLine[];
}

export interface ExcerptLine {
  readonly line: number;
  /** Column of the first character of `text`: more than 1 where a long line was cut around the range. */
  readonly firstColumn: number;
  readonly text: string;
  /** True when the line goes on after `text`. */
  readonly isCut: boolean;
}

/** A {@link Diagnostic} as plain JSON data: what progress events carry and what the printer draws. */
export interface LocatedDiagnostic {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly place: LocatedText;
  readonly hint: string | null;
  readonly related: readonly { readonly message: string; readonly place: LocatedText }[];
}

/** More lines than this say nothing that the first ones do not. */
const excerptLineLimit = 6;
const lengthBeforeRange = 200;
const lengthAfterStart = 600;

function locateRange(source: SourceFile, range: Range): LocatedText {
  const start = positionAt(source, range.start);
  const end = positionAt(source, Math.max(range.start, range.end));
  const lines: ExcerptLine[] = [];
  if (range.start === wholeText.start && range.end === wholeText.end)
    return { path: source.path, start, end, lines };
  const lastLine = Math.min(end.line, start.line + excerptLineLimit - 1);
  for (let line = start.line; line <= lastLine; line += 1) {
    lines.push(excerptLine(source, line, line === start.line ? start.column : 1));
  }
  return { path: source.path, start, end, lines };
}

function excerptLine(source: SourceFile, line: number, column: number): ExcerptLine {
  const whole = lineText(source, line);
  const from = Math.max(0, column - 1 - lengthBeforeRange);
  const text = whole.slice(from, column - 1 + lengthAfterStart);
  return { line, firstColumn: from + 1, text, isCut: from + text.length < whole.length };
}

export function locateDiagnostic(diagnostic: Diagnostic): LocatedDiagnostic {
  return {
    code: diagnostic.code,
    severity: diagnostic.severity,
    message: diagnostic.message,
    place: locateRange(diagnostic.source, diagnostic.range),
    hint: diagnostic.hint ?? null,
    related: (diagnostic.related ?? []).map((related) => ({
      message: related.message,
      place: locateRange(related.source, related.range),
    })),
  };
}
