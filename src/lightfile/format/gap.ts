import { continuationEnd, type Escape, isBlankOrLineEnd } from "../scan.ts";

/** A text that ends with a line feed, and its escape character. */
export interface Layout {
  readonly text: string;
  readonly escape: Escape;
}

/** What stands between two words of an instruction. */
export interface Gap {
  /** Offset of the first character that is neither white space nor part of a continuation. */
  readonly end: number;
  /** True when the instruction goes on on another line. */
  readonly isContinued: boolean;
  /** The comment lines in between, from their `#` on. */
  readonly comments: readonly string[];
}

/** Reads white space, continuations and the comments between continued lines, up to `limit`. */
export function readGap(layout: Layout, start: number, limit: number): Gap {
  const { text, escape: escapeChar } = layout;
  const comments: string[] = [];
  let isContinued = false;
  let at = start;
  while (at < limit) {
    if (isBlankOrLineEnd(text.charCodeAt(at))) {
      at++;
      continue;
    }
    const resumed = text[at] === escapeChar ? continuationEnd(text, at, escapeChar, visitor()) : -1;
    if (resumed === -1) break;
    isContinued = true;
    at = resumed;
  }
  return { end: Math.min(at, limit), isContinued, comments };

  function visitor() {
    return {
      comment: (from: number, to: number) => comments.push(text.slice(from, to)),
      blankLine: () => {},
    };
  }
}

/** One blank, or a continuation with its comments and the next line's indentation. */
export function printGap(gap: Gap, escapeChar: Escape, indentation: string): string {
  if (!gap.isContinued) return " ";
  const lines = gap.comments.map((comment) => `${indentation}${comment}\n`).join("");
  return ` ${escapeChar}\n${lines}${indentation}`;
}

/**
 * A part of the text whose characters count: only what is no part of it changes. Blanks behind an escape character and
 * blank lines between continued lines go, and comments there are indented like the line that follows them.
 */
export function printVerbatim(layout: Layout, start: number, end: number): string {
  const { text, escape: escapeChar } = layout;
  let printed = "";
  let from = start;
  let escapeAt = text.indexOf(escapeChar, start);
  while (escapeAt !== -1 && escapeAt < end) {
    const comments: string[] = [];
    const resumed = continuationEnd(text, escapeAt, escapeChar, {
      comment: (commentStart, commentEnd) => comments.push(text.slice(commentStart, commentEnd)),
      blankLine: () => {},
    });
    if (resumed !== -1) {
      const indentation = indentationAt(text, resumed);
      const lines = comments.map((comment) => `${indentation}${comment}\n`).join("");
      printed += `${text.slice(from, escapeAt)}${escapeChar}\n${lines}`;
      from = Math.min(resumed, end);
    }
    escapeAt = text.indexOf(escapeChar, Math.max(resumed, escapeAt + 1));
  }
  return printed + text.slice(from, end);
}

/** The end of a word without the continuations that it ends with. */
export function endOfText(layout: Layout, start: number, end: number): number {
  const { text, escape: escapeChar } = layout;
  let escapeAt = text.indexOf(escapeChar, start);
  while (escapeAt !== -1 && escapeAt < end) {
    const gap = readGap(layout, escapeAt, end);
    if (gap.isContinued && gap.end >= end) return escapeAt;
    escapeAt = text.indexOf(escapeChar, Math.max(gap.end, escapeAt + 1));
  }
  return end;
}

/** The indentation of the second line of a continued part; null when it has only one. */
export function continuedIndentation(layout: Layout, start: number, end: number): string | null {
  const { text, escape: escapeChar } = layout;
  let escapeAt = text.indexOf(escapeChar, start);
  while (escapeAt !== -1 && escapeAt < end) {
    const resumed = continuationEnd(text, escapeAt, escapeChar);
    if (resumed !== -1 && resumed < end) return indentationAt(text, resumed);
    escapeAt = text.indexOf(escapeChar, escapeAt + 1);
  }
  return null;
}

function indentationAt(text: string, at: number): string {
  let end = at;
  while (text[end] === " " || text[end] === "\t") end++;
  return text.slice(at, end);
}
