import type { Diagnostic, RelatedLocation } from "../diagnostics/diagnostic.ts";
import type { Range, SourceFile } from "../diagnostics/source-file.ts";

export interface FindingDetails {
  readonly hint?: string | undefined;
  readonly related?: readonly RelatedLocation[];
  readonly isToldOnce?: true;
}

/** Collects the diagnostics of one text. */
export class Findings {
  readonly source: SourceFile;
  readonly #diagnostics: Diagnostic[];
  /** Added to every diagnostic. */
  readonly #wayHere: readonly RelatedLocation[];

  constructor(source: SourceFile, shared?: { into: Findings; wayHere: readonly RelatedLocation[] }) {
    this.source = source;
    this.#diagnostics = shared === undefined ? [] : shared.into.#diagnostics;
    this.#wayHere = shared === undefined ? [] : [...shared.wayHere, ...shared.into.#wayHere];
  }

  /** For another text that is read in the course of this one; what is found there is in both. */
  within(source: SourceFile, ...wayHere: readonly RelatedLocation[]): Findings {
    return new Findings(source, { into: this, wayHere });
  }

  /** How the reading came to this text. */
  get wayHere(): readonly RelatedLocation[] {
    return this.#wayHere;
  }

  get diagnostics(): readonly Diagnostic[] {
    return this.#diagnostics;
  }

  error(code: string, message: string, range: Range, details: FindingDetails = {}): void {
    this.#add("error", code, message, range, details);
  }

  warning(code: string, message: string, range: Range, details: FindingDetails = {}): void {
    this.#add("warning", code, message, range, details);
  }

  /** How many there are now, to be handed to {@link forgetSince}. */
  mark(): number {
    return this.#diagnostics.length;
  }

  since(mark: number): readonly Diagnostic[] {
    return this.#diagnostics.slice(mark);
  }

  /** Drops what was found since the mark, but for these: it rested on values that are not known yet. */
  forgetSince(mark: number, certain: ReadonlySet<Diagnostic>): void {
    const kept = this.since(mark).filter((diagnostic) => certain.has(diagnostic));
    this.#diagnostics.length = mark;
    this.#diagnostics.push(...kept);
  }

  #add(
    severity: "error" | "warning",
    code: string,
    message: string,
    range: Range,
    { hint, related, isToldOnce }: FindingDetails,
  ): void {
    const places = [...(related ?? []), ...this.#wayHere];
    this.#diagnostics.push({
      code,
      severity,
      message,
      source: this.source,
      range,
      ...(hint === undefined ? {} : { hint }),
      ...(places.length === 0 ? {} : { related: places }),
      ...(isToldOnce === undefined ? {} : { isToldOnce }),
    });
  }
}

/** Without those to be told once that are said of a place further up in their file, in the same words. */
export function withoutToldBefore(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const first = new Map<SourceFile, Map<string, Diagnostic>>();
  for (const diagnostic of diagnostics) {
    const { source, message, range, isToldOnce } = diagnostic;
    if (!isToldOnce) continue;
    const ofSource = first.get(source) ?? new Map<string, Diagnostic>();
    first.set(source, ofSource);
    if (range.start <= (ofSource.get(message)?.range.start ?? range.start)) ofSource.set(message, diagnostic);
  }
  return diagnostics.filter(
    (diagnostic) =>
      !diagnostic.isToldOnce || first.get(diagnostic.source)?.get(diagnostic.message) === diagnostic,
  );
}

/** A text that is read twice (a mixin, a file with other arguments) has the same mistakes twice. */
export function withoutRepeats(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const seen = new Map<SourceFile, Set<string>>();
  return diagnostics.filter(({ source, code, message, range }) => {
    const known = seen.get(source) ?? new Set();
    seen.set(source, known);
    const key = `${code} ${range.start} ${range.end} ${message}`;
    if (known.has(key)) return false;
    known.add(key);
    return true;
  });
}
