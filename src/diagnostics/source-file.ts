/** A text that diagnostics point into. `path` is what the user typed, for display only. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Half-open span of UTF-16 offsets into {@link SourceFile.text}. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Of a statement about the whole text, such as one about what the command line asks of it: there is no place to show. */
export const wholeText: Range = { start: 0, end: 0 };

/** 1-based line and column, as printed to people. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

const lineStartsCache = new WeakMap<SourceFile, readonly number[]>();

function lineStarts(source: SourceFile): readonly number[] {
  const known = lineStartsCache.get(source);
  if (known !== undefined) return known;
  const starts = [0];
  for (let at = source.text.indexOf("\n"); at !== -1; at = source.text.indexOf("\n", at + 1)) {
    starts.push(at + 1);
  }
  lineStartsCache.set(source, starts);
  return starts;
}

/** The position of an offset; an offset past the end is the end of the text. */
export function positionAt(source: SourceFile, offset: number): Position {
  const starts = lineStarts(source);
  const bounded = Math.min(Math.max(offset, 0), source.text.length);
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? 0) <= bounded) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: bounded - (starts[low] ?? 0) + 1 };
}

/** The text of a 1-based line, without its line end. */
export function lineText(source: SourceFile, line: number): string {
  const starts = lineStarts(source);
  const start = starts[line - 1];
  if (start === undefined) return "";
  const end = starts[line] ?? source.text.length + 1;
  return source.text.slice(start, end - 1).replace(/\r$/, "");
}
