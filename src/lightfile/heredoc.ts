import type { Heredoc, Word } from "./ast.ts";
import { continuationEnd, type Escape, isBlankOrLineEnd, isQuote, skipBlanks } from "./scan.ts";

/** `<<WORD` as it stands on the instruction's line. */
export interface HeredocMarker {
  readonly delimiter: Word;
  readonly expand: boolean;
  readonly stripTabs: boolean;
  readonly end: number;
}

const less = 60;
const minus = 45;

/** The marker that starts at `at`, which must be the start of a word; null when there is none. */
export function heredocMarkerAt(text: string, at: number, escapeChar: Escape): HeredocMarker | null {
  let offset = at;
  while (isDigit(text.charCodeAt(offset))) offset++;
  if (text.charCodeAt(offset) !== less || text.charCodeAt(offset + 1) !== less) return null;
  offset += 2;
  const stripTabs = text.charCodeAt(offset) === minus;
  if (stripTabs) offset++;
  const start = skipBlanks(text, offset);
  const scanned = scanDelimiter(text, start, escapeChar);
  if (scanned === null) return null;
  return {
    delimiter: { text: scanned.name, range: { start, end: scanned.end } },
    expand: !scanned.quoted,
    stripTabs,
    end: scanned.end,
  };
}

function isDigit(charCode: number): boolean {
  return charCode >= 48 && charCode <= 57;
}

function scanDelimiter(
  text: string,
  start: number,
  escapeChar: Escape,
): { name: string; quoted: boolean; end: number } | null {
  let name = "";
  let quoted = false;
  let offset = start;
  for (;;) {
    const charCode = text.charCodeAt(offset);
    if (Number.isNaN(charCode) || isBlankOrLineEnd(charCode)) break;
    if (text[offset] === escapeChar && continuationEnd(text, offset, escapeChar) !== -1) break;
    if (charCode === less) return null;
    if (isQuote(charCode)) {
      quoted = true;
      const close = closingQuote(text, offset);
      if (close === -1 || text.slice(offset, close).includes("<")) return null;
      name += text.slice(offset + 1, close);
      offset = close + 1;
      continue;
    }
    if (text[offset] === "\\" && !isBlankOrLineEnd(text.charCodeAt(offset + 1))) offset++;
    name += text.charAt(offset);
    offset++;
  }
  return name === "" ? null : { name, quoted, end: offset };
}

function closingQuote(text: string, open: number): number {
  let offset = open + 1;
  while (offset < text.length && text[offset] !== "\n") {
    if (text[offset] === text[open]) return offset;
    offset++;
  }
  return -1;
}

/** All markers in an instruction's line that stand outside quotes at the start of a word. */
export function heredocMarkersIn(
  text: string,
  range: { readonly start: number; readonly end: number },
  escapeChar: Escape,
): readonly HeredocMarker[] {
  if (!text.slice(range.start, range.end).includes("<<")) return [];
  const markers: HeredocMarker[] = [];
  let offset = range.start;
  let quote = "";
  let atWordStart = true;
  while (offset < range.end) {
    const char = text.charAt(offset);
    const resumed = char === escapeChar ? continuationEnd(text, offset, escapeChar) : -1;
    if (resumed !== -1) offset = resumed;
    else if (char === "\\" && quote !== "'") {
      offset += 2;
      atWordStart = false;
    } else if (quote !== "") {
      if (char === quote) quote = "";
      offset++;
    } else if (isBlankOrLineEnd(text.charCodeAt(offset))) {
      atWordStart = true;
      offset++;
    } else {
      const marker = atWordStart ? heredocMarkerAt(text, offset, escapeChar) : null;
      atWordStart = false;
      if (marker === null) {
        if (char === "'" || char === '"') quote = char;
        offset = char === "<" ? skipLess(text, offset) : offset + 1;
      } else {
        markers.push(marker);
        offset = marker.end;
      }
    }
  }
  return markers;
}

function skipLess(text: string, at: number): number {
  let offset = at;
  while (text.charCodeAt(offset) === less) offset++;
  return offset;
}

export interface HeredocBodies {
  readonly heredocs: readonly Heredoc[];
  /** The first marker whose body never ends, or null. */
  readonly unterminated: HeredocMarker | null;
  /** Range of a line that would end it but for white space around it. */
  readonly nearTerminator: { readonly start: number; readonly end: number } | null;
  /** Offset of the line feed after the last terminator; with an unterminated body, the last line feed of the text. */
  readonly end: number;
}

/**
 * Reads the bodies that belong to `markers`, from the line after the line feed at `lineEnd`. A body of more than
 * `lineLimit` lines counts as unterminated.
 */
export function readHeredocBodies(
  text: string,
  lineEnd: number,
  markers: readonly HeredocMarker[],
  lineLimit: number,
): HeredocBodies {
  const heredocs: Heredoc[] = [];
  let end = lineEnd;
  for (const marker of markers) {
    const terminator = findTerminator(text, end + 1, marker, lineLimit);
    if (!terminator.found && lineLimit !== Infinity) {
      // It was a guess: nobody wants a body that goes on to the end of the text, and there may be many.
      return { heredocs, unterminated: marker, nearTerminator: null, end };
    }
    const bodyRange = { start: Math.min(end + 1, text.length), end: terminator.start };
    heredocs.push({
      delimiter: marker.delimiter,
      body: bodyText(text.slice(bodyRange.start, bodyRange.end), marker.stripTabs),
      bodyRange,
      expand: marker.expand,
      stripTabs: marker.stripTabs,
    });
    if (!terminator.found) {
      return {
        heredocs,
        unterminated: marker,
        nearTerminator: terminator.near,
        end: Math.max(lineEnd, text.length - 1),
      };
    }
    end = terminator.lineEnd;
  }
  return { heredocs, unterminated: null, nearTerminator: null, end };
}

interface Terminator {
  readonly found: boolean;
  readonly start: number;
  readonly lineEnd: number;
  readonly near: { readonly start: number; readonly end: number } | null;
}

function findTerminator(text: string, from: number, marker: HeredocMarker, lineLimit: number): Terminator {
  const name = marker.delimiter.text;
  let near: { start: number; end: number } | null = null;
  let start = from;
  for (let lines = 0; start < text.length && lines <= lineLimit; lines++) {
    const lineEnd = text.indexOf("\n", start);
    let wordStart = start;
    if (marker.stripTabs) while (text.charCodeAt(wordStart) === 9) wordStart++;
    let wordEnd = lineEnd;
    while (wordEnd > wordStart && text.charCodeAt(wordEnd - 1) === 13) wordEnd--;
    if (wordEnd - wordStart === name.length && text.startsWith(name, wordStart)) {
      return { found: true, start, lineEnd, near: null };
    }
    if (near === null) near = nearMatch(text, { start, end: lineEnd }, name);
    start = lineEnd + 1;
  }
  return { found: false, start: Math.max(from, text.length - 1), lineEnd: text.length - 1, near };
}

function nearMatch(
  text: string,
  line: { readonly start: number; readonly end: number },
  name: string,
): { start: number; end: number } | null {
  const start = skipBlanks(text, line.start);
  if (!text.startsWith(name, start)) return null;
  return skipBlanks(text, start + name.length) === line.end ? { start, end: start + name.length } : null;
}

function bodyText(written: string, stripTabs: boolean): string {
  const unix = written.replaceAll(/\r(?=\n|$)/g, "");
  return stripTabs ? unix.replaceAll(/^\t+/gm, "") : unix;
}
