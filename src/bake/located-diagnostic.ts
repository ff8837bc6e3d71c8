import type { Diagnostic, Severity } from "../diagnostics/diagnostic.ts";
import {
  lineText,
  type Position,
  positionAt,
  type Range,
  type SourceFile,
} from "../diagnostics/source-file.ts";

/** A place in a text as plain data: what a printer needs, without the whole text. */
export interface LocatedText {
  /** As the user typed it. */
  readonly path: string;
  readonly start: Position;
  /** Just past the last character. */
  readonly end: Position;
  /** The lines from `start.line` on, at most {@link excerptLineLimit} of them. */
  readonly lines: readonly string[];
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
export const excerptLineLimit = 6;

export function locateRange(source: SourceFile, range: Range): LocatedText {
  const start = positionAt(source, range.start);
  const end = positionAt(source, Math.max(range.start, range.end));
  const lines: string[] = [];
  const lastLine = Math.min(end.line, start.line + excerptLineLimit - 1);
  for (let line = start.line; line <= lastLine; line += 1) lines.push(lineText(source, line));
  return { path: source.path, start, end, lines };
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
