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

  /** Errors in the place of those that overlap with their ranges, which are in the order of the text and apart. */
  replaceErrors(errors: readonly ReportDetails[]): void {
    if (errors.length === 0) return;
    const kept = this.collected.filter(
      ({ severity, range }) => severity !== "error" || !overlaps(errors, range),
    );
    this.collected.splice(0, this.collected.length);
    for (const diagnostic of kept) this.collected.push(diagnostic);
    for (const error of errors) this.error(error);
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

function overlaps(places: readonly ReportDetails[], { start, end }: Range): boolean {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((places[middle]?.range.end ?? 0) <= start) low = middle + 1;
    else high = middle;
  }
  const first = places[low];
  return first !== undefined && first.range.start < end;
}

/** A word for a message: quoted, and cut when it is long. */
export function quoteWord(word: string): string {
  const characters = [...word.slice(0, 80)];
  return characters.length > 40 ? `"${characters.slice(0, 39).join("")}…"` : `"${word}"`;
}
