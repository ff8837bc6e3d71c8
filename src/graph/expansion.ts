import type { Range, SourceFile } from "../diagnostics/source-file.ts";
import { expandWord, splitWords } from "../lightfile/expand.ts";
import type { VariableLookup } from "../lightfile/expand-options.ts";
import { ExpansionError } from "../lightfile/expansion-error.ts";
import type { Findings } from "./findings.ts";
import { bodyAsWord, type PlacesInText, placesInBody } from "./heredoc-body.ts";

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
  return located(wordPlaces(text, request), request, (onUndefined) =>
    expandWord(text, request.lookup, { escape: request.escape, onUndefined }),
  );
}

/** As {@link expandText}, then split at white space. */
export function splitText(text: string, request: ExpansionRequest): readonly string[] | null {
  return located(wordPlaces(text, request), request, (onUndefined) =>
    splitWords(text, request.lookup, { escape: request.escape, onUndefined }),
  );
}

/** The body of a heredoc with its variables replaced: see {@link bodyAsWord}. */
export function expandBody(body: string, request: ExpansionRequest): string | null {
  const text = bodyAsWord(body);
  const at = placesInBody(body, request.findings.source, request.range);
  const places: Places = {
    ofVariable: (offset, name) => at(offset, offset + variableLength(text, offset, name)),
    ofError: ({ offset, end }) => at(offset, end),
  };
  return located(places, request, (onUndefined) =>
    expandWord(text, request.lookup, { escape: "\\", onUndefined }),
  );
}

/** Where in the file a part of an expanded text stands. */
interface Places {
  ofVariable(offset: number, name: string): Range;
  ofError(error: ExpansionError): Range;
}

function wordPlaces(text: string, { range, findings }: ExpansionRequest): Places {
  const at = placesInWord(text, findings.source, range);
  return {
    ofVariable: (offset, name) => at(offset, offset + variableLength(text, offset, name)),
    ofError: ({ offset }) => at(offset, text.length),
  };
}

/**
 * As {@link placesInBody}, for a word. Offsets hold only where it stands in the file letter by letter: not over
 * continuations or removed quotes.
 */
export function placesInWord(text: string, source: SourceFile, range: Range): PlacesInText {
  if (!source.text.startsWith(text, range.start)) return () => range;
  return (start, end) => ({ start: range.start + start, end: Math.min(range.start + end, range.end) });
}

/** How long `$name` or `${name}` is, or what stands before a modifier. */
export function variableLength(text: string, offset: number, name: string): number {
  if (text.charAt(offset + 1) !== "{") return name.length + 1;
  return name.length + (text.charAt(offset + 2 + name.length) === "}" ? 3 : 2);
}

/** Runs an expansion and gives its troubles their places. */
function located<Result>(
  places: Places,
  { findings, onUndefined }: ExpansionRequest,
  expand: (onUndefined: (name: string, offset: number) => void) => Result,
): Result | null {
  try {
    return expand((name, offset) => onUndefined(name, places.ofVariable(offset, name)));
  } catch (error) {
    if (!(error instanceof ExpansionError)) throw error;
    findings.error(error.code, error.message, places.ofError(error), { hint: error.hint });
    return null;
  }
}
