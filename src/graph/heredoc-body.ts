import type { Range, SourceFile } from "../diagnostics/source-file.ts";

const special = /\\[\\$]|["'\\]/g;

/**
 * A heredoc's body as a word that expansion leaves the quotes of. A backslash escapes `$` and itself and is kept before
 * anything else, as in a shell's heredoc: BuildKit drops it, which turns `\n` into `n` in silence.
 */
export function bodyAsWord(body: string): string {
  return body.replaceAll(special, (match) => (match.length === 2 ? match : `\\${match}`));
}

/** The offset in the body of each character of {@link bodyAsWord}. */
function offsetsInBody(body: string): readonly number[] {
  const offsets: number[] = [];
  let at = 0;
  for (const { index, 0: match } of body.matchAll(special)) {
    while (at < index) offsets.push(at++);
    if (match.length === 1) offsets.push(at);
    for (const end = index + match.length; at < end; ) offsets.push(at++);
  }
  while (at < body.length) offsets.push(at++);
  return offsets;
}

/** Tells where in the file a part of a text stands. */
export type PlacesInText = (start: number, end: number) => Range;

/**
 * The places of parts of {@link bodyAsWord}, as far as those are in one line. `range` is that of the body, and the answer
 * where the file does not have it letter by letter.
 */
export function placesInBody(body: string, source: SourceFile, range: Range): PlacesInText {
  let known: readonly number[] | null = null;
  return (start, end) => {
    // Most bodies have no mistake: their places are counted when the first one is asked for.
    known ??= offsetsInFile(body, source.text, range);
    const from = known[start];
    const last = known[Math.max(start, end - 1)];
    if (from === undefined || last === undefined) return range;
    const lineEnd = source.text.indexOf("\n", from);
    return { start: from, end: Math.min(last + 1, range.end, lineEnd === -1 ? range.end : lineEnd) };
  };
}

/**
 * The offset in the file of each character of {@link bodyAsWord}, up to the first that the file does not have. A body has
 * no tabs before the lines of `<<-` and no carriage returns before its line feeds, which are in the file.
 */
function offsetsInFile(body: string, text: string, range: Range): readonly number[] {
  const offsets: number[] = [];
  let at = range.start;
  let isLineStart = true;
  for (const char of body.split("")) {
    while (isLineStart && char !== "\t" && text.charAt(at) === "\t") at++;
    if (char === "\n" && text.charAt(at) === "\r") at++;
    if (text.charAt(at) !== char || at >= range.end) break;
    offsets.push(at++);
    isLineStart = char === "\n";
  }
  return offsetsInBody(body).flatMap((offset) => offsets[offset] ?? []);
}
