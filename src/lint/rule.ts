import type { RelatedLocation, Severity } from "../diagnostics/diagnostic.ts";
import type { Fix } from "../diagnostics/fix.ts";
import type { Range } from "../diagnostics/source-file.ts";
import type { LintedFile } from "./linted-file.ts";

/** What a rule says about one place. */
export interface Remark {
  readonly range: Range;
  /** One sentence, lower-case start, no full stop. */
  readonly message: string;
  readonly hint?: string | undefined;
  readonly related?: readonly Omit<RelatedLocation, "source">[];
  readonly fixes?: readonly Fix[];
}

/** A rule of `lightbox check`; docs/rules holds a page for each. */
export interface Rule {
  /** The code of its findings; BuildKit's name where it has the same rule. */
  readonly name: string;
  /** When it speaks, for tables: `a stage's name has capitals`. */
  readonly summary: string;
  /** Of its findings, unless the file or the command line says otherwise; a warning when left out. */
  readonly severity?: Severity;
  /** Speaks only where `# check=experimental=NAME` asks it to. */
  readonly isExperimental?: true;
  /** Stays silent about a file that could not be read in full. */
  readonly needsWholeFile?: true;
  /** Codes of the parser or planner that say less about the same instruction, and are left out for it. */
  readonly replaces?: readonly string[];
  /** Absent: the parser, the planner or the context says it, and the table holds it for its page and its fixes. */
  check?(file: LintedFile): Iterable<Remark>;
  /** The ways to mend what another part has found. */
  fixes?(file: LintedFile, range: Range): readonly Fix[];
}
