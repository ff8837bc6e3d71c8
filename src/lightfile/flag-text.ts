import type { IToken } from "chevrotain";
import type { Flag, Word } from "./ast.ts";
import { wordInJoinedText } from "./joined-text.ts";
import type { Escape } from "./scan.ts";
import { joinedTextOf, rangeOf, type TokenText } from "./token-words.ts";

/** One flag, whether the instruction knows it or not. */
export function readFlag(token: IToken, context: TokenText): Flag {
  const joined = joinedTextOf(token, context);
  const equals = joined.text.indexOf("=");
  const nameEnd = equals === -1 ? joined.text.length : equals;
  const unquoted = (word: Word): Word => ({ ...word, text: removeQuotes(word.text, context.escape) });
  return {
    name: unquoted(wordInJoinedText(joined, 2, nameEnd)),
    value: equals === -1 ? null : unquoted(wordInJoinedText(joined, equals + 1, joined.text.length)),
    range: rangeOf(token),
  };
}

/** In flags the escape character works inside both kinds of quotes. */
function removeQuotes(text: string, escapeChar: Escape): string {
  if (!/["'\\`]/.test(text)) return text;
  let result = "";
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === escapeChar) {
      at++;
      result += text.charAt(at);
    } else if (quote === "" && (char === '"' || char === "'")) quote = char;
    else if (char === quote) quote = "";
    else result += char;
  }
  return result;
}
