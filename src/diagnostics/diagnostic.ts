import type { Fix } from "./fix.ts";
import type { Range, SourceFile } from "./source-file.ts";

export type Severity = "error" | "warning";

/** A second place that explains a diagnostic, such as "stage first defined here". */
export interface RelatedLocation {
  readonly message: string;
  readonly source: SourceFile;
  readonly range: Range;
}

/** A located statement about a Lightfile (or another text that the user wrote). */
export interface Diagnostic {
  /** Stable name in PascalCase, e.g. `UnknownInstruction`; listed in docs/errors.md. */
  readonly code: string;
  readonly severity: Severity;
  /** One sentence, lower-case start, no full stop. */
  readonly message: string;
  readonly source: SourceFile;
  readonly range: Range;
  /** What to do about it, e.g. `did you mean RUN?`. */
  readonly hint?: string;
  readonly related?: readonly RelatedLocation[];
  /** Of several in one file with the same message, only the first place is told: it stands for the others. */
  readonly isToldOnce?: true;
  /** Ways to mend it. */
  readonly fixes?: readonly Fix[];
}

/** The result of a phase that reads user text: it never throws on that text. */
export interface Diagnosed<Value> {
  readonly value: Value;
  readonly diagnostics: readonly Diagnostic[];
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === "error");
}
