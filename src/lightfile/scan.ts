/**
 * Reading words straight from the text of a Lightfile. All functions take offsets into the same text, which must end
 * with a line feed; all take time in proportion to what they pass over.
 */

export type Escape = "\\" | "`";

const tab = 9;
const lineFeed = 10;
const verticalTab = 11;
const formFeed = 12;
const carriageReturn = 13;
const space = 32;
const doubleQuote = 34;
const numberSign = 35;
const singleQuote = 39;

/** White space inside a line. A carriage return counts: it only ever stands before a line feed. */
export function isBlank(charCode: number): boolean {
  return (
    charCode === space ||
    charCode === tab ||
    charCode === carriageReturn ||
    charCode === verticalTab ||
    charCode === formFeed
  );
}

export function isBlankOrLineEnd(charCode: number): boolean {
  return charCode === lineFeed || isBlank(charCode);
}

export function isQuote(charCode: number): boolean {
  return charCode === doubleQuote || charCode === singleQuote;
}

/** The first offset from `at` on that is not white space inside a line. */
export function skipBlanks(text: string, at: number): number {
  let offset = at;
  while (offset < text.length && isBlank(text.charCodeAt(offset))) offset++;
  return offset;
}

/** What a line that is passed over inside a continuation turned out to be. */
export interface ContinuationVisitor {
  comment(start: number, end: number): void;
  blankLine(start: number, end: number): void;
}

/**
 * If the escape character at `at` continues the line: the offset where the text goes on (leading white space of the
 * next line kept, comment and blank lines in between passed over). Otherwise -1. At the end of the file the text goes
 * on at the last line feed, so that every instruction ends with one.
 */
export function continuationEnd(
  text: string,
  at: number,
  escapeChar: Escape,
  visitor?: ContinuationVisitor,
): number {
  if (at > 0 && text[at - 1] === escapeChar) return -1;
  let offset = at + 1;
  while (text.charCodeAt(offset) === space || text.charCodeAt(offset) === tab) offset++;
  while (text.charCodeAt(offset) === carriageReturn) offset++;
  if (text.charCodeAt(offset) !== lineFeed) return -1;
  let lineStart = offset + 1;
  while (lineStart < text.length) {
    const content = skipBlanks(text, lineStart);
    const first = text.charCodeAt(content);
    if (first !== numberSign && first !== lineFeed) return lineStart;
    const lineEnd = first === lineFeed ? content : text.indexOf("\n", content);
    if (lineEnd === -1) break;
    if (first === lineFeed) visitor?.blankLine(lineStart, lineEnd);
    else visitor?.comment(content, trimmedEnd(text, content, lineEnd));
    lineStart = lineEnd + 1;
  }
  return text.length - 1;
}

/** The end of the text before `end` without white space. */
export function trimmedEnd(text: string, start: number, end: number): number {
  let offset = end;
  while (offset > start && isBlank(text.charCodeAt(offset - 1))) offset--;
  return offset;
}

/** The end of a word in which neither quotes nor escapes mean anything. */
export function scanPlainWord(text: string, start: number, escapeChar: Escape): number {
  let offset = start;
  // The last of several continuations may be the one that ends the word, and none of them is part of it.
  let inkEnd = start;
  while (!isBlankOrLineEnd(text.charCodeAt(offset))) {
    const resumed = text[offset] === escapeChar ? continuationEnd(text, offset, escapeChar) : -1;
    if (resumed === -1) inkEnd = offset + 1;
    offset = resumed === -1 ? inkEnd : resumed;
  }
  return inkEnd;
}

export interface QuotedScan {
  readonly end: number;
  /** Offset of the quote that is never closed, or -1. */
  readonly openQuote: number;
}

/**
 * The end of a word in which white space may be quoted or escaped. `escapeInSingleQuotes` is true for flags, whose
 * single quotes do not switch the escape character off.
 */
export function scanQuotedWord(
  text: string,
  start: number,
  escapeChar: Escape,
  escapeInSingleQuotes: boolean,
): QuotedScan {
  let offset = start;
  let quote = 0;
  let quoteStart = -1;
  let lastInk = start;
  for (;;) {
    const charCode = text.charCodeAt(offset);
    if (charCode === lineFeed || offset >= text.length) break;
    if (text[offset] === escapeChar) {
      const resumed = continuationEnd(text, offset, escapeChar);
      if (resumed !== -1) {
        if (quote === 0 && isBlankOrLineEnd(text.charCodeAt(resumed))) break;
        offset = resumed;
        continue;
      }
      if (quote !== singleQuote || escapeInSingleQuotes) {
        const next = text.charCodeAt(offset + 1);
        offset += next === lineFeed || Number.isNaN(next) ? 1 : 2;
        lastInk = offset;
        continue;
      }
    } else if (quote === 0) {
      if (isBlank(charCode)) break;
      if (isQuote(charCode)) {
        quote = charCode;
        quoteStart = offset;
      }
    } else if (charCode === quote) quote = 0;
    offset++;
    lastInk = offset;
  }
  if (quote === 0) return { end: lastInk, openQuote: -1 };
  return { end: Math.max(trimmedEnd(text, start, lastInk), quoteStart + 1), openQuote: quoteStart };
}

/** The end of the text of a whole instruction line, its continuations included, white space at the end left out. */
export function scanLine(text: string, start: number, escapeChar: Escape): number {
  let lineStart = start;
  let end = start;
  for (;;) {
    const lineEnd = text.indexOf("\n", lineStart);
    const inkEnd = trimmedEnd(text, lineStart, lineEnd === -1 ? text.length : lineEnd);
    if (lineEnd === -1) return inkEnd > lineStart ? inkEnd : end;
    const last = inkEnd - 1;
    const resumed =
      last >= lineStart && text[last] === escapeChar ? continuationEnd(text, last, escapeChar) : -1;
    if (resumed === -1) return inkEnd > lineStart ? inkEnd : end;
    const inkBeforeEscape = trimmedEnd(text, lineStart, last);
    if (inkBeforeEscape > lineStart) end = inkBeforeEscape;
    lineStart = resumed;
  }
}
