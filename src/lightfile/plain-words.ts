import type { Range } from "../diagnostics/source-file.ts";
import type { Word } from "./ast.ts";
import { joinContinuations, wordInJoinedText } from "./joined-text.ts";
import { continuationEnd, type Escape, scanPlainWord, skipBlanks } from "./scan.ts";
import type { TokenText } from "./token-words.ts";

/** All words in a part of a text, cut at white space; a `--` before them, which ends flags, is left out. */
export function plainWordsIn(range: Range, { text, escape: escapeChar }: TokenText): readonly Word[] {
  const words: Word[] = [];
  let at = skipGap(text, range.start, escapeChar);
  while (at < range.end) {
    const end = Math.min(scanPlainWord(text, at, escapeChar), range.end);
    const joined = joinContinuations(text, { start: at, end }, escapeChar);
    if (end > at)
      words.push({ ...wordInJoinedText(joined, 0, joined.text.length), range: { start: at, end } });
    at = skipGap(text, Math.max(end, at + 1), escapeChar);
  }
  return words[0]?.text === "--" ? words.slice(1) : words;
}

/** The end of white space and continuations. */
function skipGap(text: string, at: number, escapeChar: Escape): number {
  let offset = skipBlanks(text, at);
  for (;;) {
    const resumed = text[offset] === escapeChar ? continuationEnd(text, offset, escapeChar) : -1;
    if (resumed === -1) return offset;
    offset = skipBlanks(text, resumed);
  }
}
