import type { ExpandOptions, VariableLookup } from "./expand-options.ts";
import { Expansion } from "./expansion.ts";
import { ExpansionError } from "./expansion-error.ts";
import { isOrdinaryName } from "./variable-name.ts";
import { WordList } from "./word-list.ts";

/**
 * Replaces variables in a word and removes quotes and escapes, by BuildKit's rules; the result is one word, white space
 * and all. The word that follows a modifier is always expanded, used or not.
 *
 * @throws {ExpansionError} for an unclosed quote or brace, an unknown modifier, a bad pattern, and for `${n:?message}`
 *   when n is not set.
 */
export function expandWord(text: string, lookup: VariableLookup, options: ExpandOptions): string {
  if (!/["'$\\`]/.test(text)) return text;
  return new Expansion(text, lookup, options).run("", false, null);
}

/**
 * Like {@link expandWord}, but splits at white space that is neither quoted nor escaped; also at that in the values of
 * unquoted variables.
 *
 * @throws {ExpansionError} as {@link expandWord} does.
 */
export function splitWords(text: string, lookup: VariableLookup, options: ExpandOptions): readonly string[] {
  const words = new WordList();
  new Expansion(text, lookup, options).run("", false, words);
  return words.finish();
}

/** The names of the variables that a word reads, each once; as far as the word can be read at all. */
export function variablesIn(text: string, options: Pick<ExpandOptions, "escape">): readonly string[] {
  if (!text.includes("$")) return [];
  const names = new Set<string>();
  const record: VariableLookup = (name) => {
    if (isOrdinaryName(name)) names.add(name);
    return undefined;
  };
  try {
    new Expansion(text, record, options, true).run("", false, null);
  } catch (error) {
    if (!(error instanceof ExpansionError)) throw error;
  }
  return [...names];
}
