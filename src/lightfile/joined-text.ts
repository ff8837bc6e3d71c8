import type { Word } from "./ast.ts";
import { type ContinuationVisitor, continuationEnd, type Escape } from "./scan.ts";

/** Text with its continuations joined, that still knows where each character stands in the file. */
export interface JoinedText {
  readonly text: string;
  /** Offset in the file of an offset in `text`. */
  sourceOffset(offset: number): number;
}

/** Joins the continuations in `text` between two offsets and tells the visitor about lines that vanish. */
export function joinContinuations(
  text: string,
  range: { readonly start: number; readonly end: number },
  escapeChar: Escape,
  visitor?: ContinuationVisitor,
): JoinedText {
  const { start, end } = range;
  const written = text.slice(start, end);
  if (!written.includes("\n")) {
    return { text: written, sourceOffset: (offset) => start + offset };
  }
  const pieces: { readonly joined: number; readonly source: number }[] = [];
  let joined = "";
  let pieceStart = start;
  let escapeAt = text.indexOf(escapeChar, start);
  while (escapeAt !== -1 && escapeAt < end) {
    const resumed = continuationEnd(text, escapeAt, escapeChar, visitor);
    if (resumed !== -1) {
      pieces.push({ joined: joined.length, source: pieceStart });
      joined += text.slice(pieceStart, escapeAt);
      pieceStart = Math.min(resumed, end);
    }
    escapeAt = text.indexOf(escapeChar, Math.max(resumed, escapeAt + 1));
  }
  pieces.push({ joined: joined.length, source: pieceStart });
  joined += text.slice(pieceStart, end);
  return { text: joined, sourceOffset: (offset) => offsetInPieces(pieces, offset) };
}

function offsetInPieces(
  pieces: readonly { readonly joined: number; readonly source: number }[],
  offset: number,
): number {
  let low = 0;
  let high = pieces.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((pieces[middle]?.joined ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  const piece = pieces[low];
  return piece === undefined ? offset : piece.source + offset - piece.joined;
}

/** The part of a joined text between two of its offsets. */
export function wordInJoinedText(joined: JoinedText, start: number, end: number): Word {
  const sourceStart = joined.sourceOffset(start);
  const sourceEnd = end > start ? joined.sourceOffset(end - 1) + 1 : sourceStart;
  return { text: joined.text.slice(start, end), range: { start: sourceStart, end: sourceEnd } };
}
