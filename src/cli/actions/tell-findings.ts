import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import { printDiagnostics } from "../../render/diagnostic-printer.ts";
import {
  chooseDiagnosticsFormat,
  type DiagnosticsFormat,
  writeDiagnostics,
} from "../../render/diagnostics/format.ts";
import type { Session } from "../session.ts";

/**
 * What a command has to say about a Lightfile that it does more with than check it: for people on stderr, and beside
 * the lines of a change in GitHub Actions.
 */
export function tellFindings(diagnostics: readonly Diagnostic[], session: Session): void {
  printDiagnostics(diagnostics, session.stderr, session.environment);
  addInFormat(diagnostics, undefined, session);
}

/**
 * The same once more for tools, in the format that is asked for: annotations on stderr, which are the default in GitHub
 * Actions; JSON and SARIF as a document on stdout.
 */
export function addInFormat(
  diagnostics: readonly Diagnostic[],
  asked: DiagnosticsFormat | undefined,
  session: Session,
): void {
  const format = chooseDiagnosticsFormat(asked, session.environment);
  if (format === "text") return;
  const stream = format === "github" ? session.stderr : session.stdout;
  const { environment, version } = session;
  writeDiagnostics(diagnostics, { format, stream, environment, tool: { version, rules: [] } });
}
