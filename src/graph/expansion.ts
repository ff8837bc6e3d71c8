import type { Range } from "../diagnostics/source-file.ts";
import { expandWord, splitWords } from "../lightfile/expand.ts";
import type { VariableLookup } from "../lightfile/expand-options.ts";
import { ExpansionError } from "../lightfile/expansion-error.ts";
import type { Findings } from "./findings.ts";

export interface ExpansionRequest {
  readonly lookup: VariableLookup;
  readonly escape: "\\" | "`";
  readonly findings: Findings;
  /** Where the text stands in the file. */
  readonly range: Range;
  /** Told of the place of a variable that is not set. */
  readonly onUndefined: (name: string, range: Range) => void;
}

/** The text with its variables replaced and its quotes removed; null when a diagnostic says why not. */
export function expandText(text: string, request: ExpansionRequest): string | null {
  return located(text, request, (onUndefined) =>
    expandWord(text, request.lookup, { escape: request.escape, onUndefined }),
  );
}

/** As {@link expandText}, then split at white space. */
export function splitText(text: string, request: ExpansionRequest): readonly string[] | null {
  return located(text, request, (onUndefined) =>
    splitWords(text, request.lookup, { escape: request.escape, onUndefined }),
  );
}

/**
 * The body of a heredoc with its variables replaced. Quotes stay. A backslash escapes `$` and itself and is
 * kept before anything else, as in a shell's heredoc: BuildKit drops it, which turns `\n` into `n` in silence.
 */
export function expandBody(body: string, request: ExpansionRequest): string | null {
  const text = body.replaceAll(/\\[\\$]|["'\\]/g, (match) => (match.length === 2 ? match : `\\${match}`));
  // Offsets in the text with more backslashes say nothing about the file: the whole body is the place.
  return located(null, request, (onUndefined) =>
    expandWord(text, request.lookup, { escape: "\\", onUndefined }),
  );
}

/** Runs an expansion and gives its troubles their places; `text` is null when offsets cannot be mapped. */
function located<Result>(
  text: string | null,
  { findings, range, onUndefined }: ExpansionRequest,
  expand: (onUndefined: (name: string, offset: number) => void) => Result,
): Result | null {
  // Offsets hold only where the word stands in the file letter by letter: not over continuations or removed quotes.
  const isVerbatim = text !== null && findings.source.text.startsWith(text, range.start);
  const at = (offset: number, length: number): Range =>
    isVerbatim
      ? { start: range.start + offset, end: Math.min(range.start + offset + length, range.end) }
      : range;
  try {
    return expand((name, offset) => onUndefined(name, at(offset, name.length + 1)));
  } catch (error) {
    if (!(error instanceof ExpansionError)) throw error;
    findings.error(error.code, error.message, at(error.offset, range.end - range.start), {
      hint: error.hint,
    });
    return null;
  }
}
