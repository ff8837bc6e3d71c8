import type { Diagnostic, RelatedLocation } from "../diagnostics/diagnostic.ts";
import type { Range, SourceFile } from "../diagnostics/source-file.ts";

export interface ReportDetails {
  readonly code: string;
  readonly range: Range;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly related?: readonly Omit<RelatedLocation, "source">[];
}

/** Collects what is said about one text. */
export class Reporter {
  readonly source: SourceFile;
  private readonly collected: Diagnostic[] = [];

  constructor(source: SourceFile) {
    this.source = source;
  }

  error(details: ReportDetails): void {
    this.add("error", details);
  }

  warning(details: ReportDetails): void {
    this.add("warning", details);
  }

  /** In the order of the text. */
  diagnostics(): readonly Diagnostic[] {
    return this.collected.toSorted((a, b) => a.range.start - b.range.start);
  }

  private add(
    severity: Diagnostic["severity"],
    { code, range, message, hint, related }: ReportDetails,
  ): void {
    this.collected.push({
      code,
      severity,
      message,
      source: this.source,
      range,
      ...(hint === undefined ? {} : { hint }),
      ...(related === undefined
        ? {}
        : { related: related.map((location) => ({ ...location, source: this.source })) }),
    });
  }
}

/** A word for a message: quoted, and cut when it is long. */
export function quoteWord(word: string): string {
  const characters = [...word.slice(0, 80)];
  return characters.length > 40 ? `"${characters.slice(0, 39).join("")}…"` : `"${word}"`;
}
