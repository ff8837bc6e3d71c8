import type { Diagnostic } from "../../src/diagnostics/diagnostic.ts";
import { noColors } from "../../src/render/colors.ts";
import { formatDiagnostic } from "../../src/render/diagnostic-printer.ts";

/** As people read them, each with an empty line after it: what a diagnostics.txt holds. */
export function printed(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map((one) => `${formatDiagnostic(one, { colors: noColors, columns: 120 })}\n`).join("");
}

/** The codes of printed diagnostics, in their order. */
export function codesIn(text: string): readonly string[] {
  return [...text.matchAll(/: (?:error|warning)\[(\w+)\]: /g)].map(([, code = ""]) => code);
}
