import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { colorsFor } from "../render/colors.ts";
import { formatDiagnostic } from "../render/diagnostic-printer.ts";
import { columnsOf } from "../render/output-stream.ts";
import type { Session } from "./session.ts";

/** Writes diagnostics to stderr, in the order of the text. */
export function printDiagnostics(diagnostics: readonly Diagnostic[], session: Session): void {
  const options = { colors: colorsFor(session.stderr, session.environment), columns: columnsOf(session.stderr) };
  const sorted = [...diagnostics].sort((left, right) => left.range.start - right.range.start);
  for (const diagnostic of sorted) session.stderr.write(formatDiagnostic(diagnostic, options));
}
