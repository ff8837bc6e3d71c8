import type { IToken } from "chevrotain";
import type { Range } from "../diagnostics/source-file.ts";
import type { Word } from "./ast.ts";
import { type JoinedText, joinContinuations } from "./joined-text.ts";
import type { Escape } from "./scan.ts";

/** The text that tokens are read from (with a line feed at its end) and its escape character. */
export interface TokenText {
  readonly text: string;
  readonly escape: Escape;
}

export function rangeOf(token: IToken): Range {
  return { start: token.startOffset, end: token.startOffset + token.image.length };
}

/** The token as one word, continuations joined. */
export function wordOf(token: IToken, context: TokenText): Word {
  const range = rangeOf(token);
  const text = token.image.includes("\n")
    ? joinContinuations(context.text, range, context.escape).text
    : token.image;
  return { text, range };
}

/** For parts of a token that need ranges of their own. */
export function joinedTextOf(token: IToken, context: TokenText): JoinedText {
  return joinContinuations(context.text, rangeOf(token), context.escape);
}
