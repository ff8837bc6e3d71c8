import type { Word } from "./ast.ts";
import { type JoinedText, wordInJoinedText } from "./joined-text.ts";

export interface JsonArray {
  /** The decoded strings; their ranges include the quotes. */
  readonly words: readonly Word[];
  /** False when something else than strings is in the array: then `words` is what is left without it. */
  readonly onlyStrings: boolean;
}

/** Reads text as a JSON array, with U+FFFD for half of a surrogate pair; null when it is none. */
export function readJsonArray(joined: JoinedText): JsonArray | null {
  const values = parseArray(joined.text);
  if (values === null) return null;
  if (!values.every((value) => typeof value === "string")) return { words: [], onlyStrings: false };
  const words: Word[] = [];
  let offset = 0;
  for (const value of values) {
    const start = joined.text.indexOf('"', offset);
    offset = endOfString(joined.text, start);
    words.push({ text: value.toWellFormed(), range: wordInJoinedText(joined, start, offset).range });
  }
  return { words, onlyStrings: true };
}

function parseArray(text: string): readonly unknown[] | null {
  if (!text.startsWith("[") || !text.endsWith("]")) return null;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function endOfString(text: string, start: number): number {
  let offset = start + 1;
  while (offset < text.length && text[offset] !== '"') offset += text[offset] === "\\" ? 2 : 1;
  return offset + 1;
}

const listWithCommas = /^\[\s*(?:"[^"]*"|'[^']*'|[^\s,"'[\]]+)\s*,.*\]$/;
const startOfList = /^\[(?:["']|\s+(?:"[^"]*"|'[^']*')\s*,)/;

/**
 * Whether text that is not a JSON array was probably meant to be one, such as `['a', 'b']` or `["a", "b"`. No command
 * begins with `["`, and the test command `[` has no comma behind its first word.
 */
export function looksLikeJsonArray(text: string): boolean {
  return startOfList.test(text) || (text.endsWith("]") && listWithCommas.test(text));
}
