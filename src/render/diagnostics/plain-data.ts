import type { Diagnostic, Severity } from "../../diagnostics/diagnostic.ts";
import { type Position, positionAt, type Range, type SourceFile } from "../../diagnostics/source-file.ts";

/** The end is the position right behind the last character. */
export interface PlainRange {
  readonly start: Position;
  readonly end: Position;
}

/** A diagnostic as JSON holds it: `lightbox check --format json` prints a list of them. */
export interface PlainDiagnostic {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly hint: string | null;
  readonly path: string;
  readonly range: PlainRange;
  readonly related: readonly {
    readonly message: string;
    readonly path: string;
    readonly range: PlainRange;
  }[];
  readonly fixes: readonly {
    readonly title: string;
    /** True when `check --fix` applies it. */
    readonly safe: boolean;
    readonly edits: readonly { readonly range: PlainRange; readonly newText: string }[];
  }[];
}

export function toPlainDiagnostic(diagnostic: Diagnostic): PlainDiagnostic {
  const { code, severity, message, hint, source, range, related = [], fixes = [] } = diagnostic;
  return {
    code,
    severity,
    message,
    hint: hint ?? null,
    path: source.path,
    range: toPlainRange(source, range),
    related: related.map((place) => ({
      message: place.message,
      path: place.source.path,
      range: toPlainRange(place.source, place.range),
    })),
    fixes: fixes.map(({ title, isSafe, edits }) => ({
      title,
      safe: isSafe,
      edits: edits.map((edit) => ({ range: toPlainRange(source, edit.range), newText: edit.newText })),
    })),
  };
}

function toPlainRange(source: SourceFile, { start, end }: Range): PlainRange {
  return { start: positionAt(source, start), end: positionAt(source, Math.max(start, end)) };
}

/** A list of diagnostics as one JSON text, ending in a line feed. */
export function formatAsJson(diagnostics: readonly Diagnostic[]): string {
  return `${JSON.stringify({ diagnostics: diagnostics.map(toPlainDiagnostic) }, null, 2)}\n`;
}
