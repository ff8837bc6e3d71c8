import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import { unreachable } from "../../diagnostics/unreachable.ts";
import { colorsFor } from "../colors.ts";
import { formatDiagnostic } from "../diagnostic-printer.ts";
import { columnsOf, type OutputStream } from "../output-stream.ts";
import { formatForGitHub } from "./github.ts";
import { formatAsJson } from "./plain-data.ts";
import { formatAsSarif, type SarifTool } from "./sarif.ts";

export type DiagnosticsFormat = "text" | "json" | "sarif" | "github";

export const diagnosticsFormats: readonly DiagnosticsFormat[] = ["text", "json", "sarif", "github"];

/** What is asked for; else annotations in GitHub Actions, and text for people everywhere else. */
export function chooseDiagnosticsFormat(
  asked: DiagnosticsFormat | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): DiagnosticsFormat {
  return asked ?? (environment.GITHUB_ACTIONS === "true" ? "github" : "text");
}

export interface WriteDiagnosticsOptions {
  readonly format: DiagnosticsFormat;
  readonly stream: OutputStream;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Named in a SARIF log. */
  readonly tool: SarifTool;
}

/** Writes diagnostics of one or more files in one of the formats. */
export function writeDiagnostics(
  diagnostics: readonly Diagnostic[],
  { format, stream, environment, tool }: WriteDiagnosticsOptions,
): void {
  switch (format) {
    case "text": {
      const options = { colors: colorsFor(stream, environment), columns: columnsOf(stream) };
      for (const diagnostic of diagnostics) stream.write(formatDiagnostic(diagnostic, options));
      return;
    }
    case "json":
      stream.write(formatAsJson(diagnostics));
      return;
    case "sarif":
      stream.write(formatAsSarif(diagnostics, tool));
      return;
    case "github":
      stream.write(formatForGitHub(diagnostics));
      return;
    default:
      unreachable(format);
  }
}
