import type { Range } from "../diagnostics/source-file.ts";
import { joinContinuations } from "../lightfile/joined-text.ts";
import type { Escape } from "../lightfile/scan.ts";

/** A `$NAME` or `${NAME…` in a text. */
export interface VariablePlace {
  readonly name: string;
  /** Of the name alone. */
  readonly range: Range;
  /** From the `$` on. */
  readonly start: number;
}

/**
 * How quotes and the escape character act: in words as the builder expands them; in flags, which have lost their quotes
 * by then; in command lines as a shell does; in heredoc bodies, where quotes are plain text.
 */
export type Quoting = "word" | "flag" | "shell" | "plain";

const nameAt = /\{?([\p{L}_][\p{L}\p{Nd}_]*)/uy;

/**
 * The variables in a part of a Lightfile, as written there. It never fails: what is wrong with a word, the expansion
 * says. Takes time in proportion to the text's length.
 */
export function variablesAt(
  text: string,
  range: Range,
  options: { readonly escape: Escape; readonly quoting: Quoting },
): readonly VariablePlace[] {
  const places: VariablePlace[] = [];
  const written = text.slice(range.start, range.end);
  if (!written.includes("$")) return places;
  const joined =
    options.quoting === "plain"
      ? { text: written, sourceOffset: (offset: number) => range.start + offset }
      : joinContinuations(text, range, options.escape);
  const hasQuotes = options.quoting === "word" || options.quoting === "shell";
  const escapeChar = options.quoting === "word" || options.quoting === "flag" ? options.escape : "\\";
  let inDoubleQuotes = false;
  for (let at = 0; at < joined.text.length; at++) {
    const char = joined.text.charAt(at);
    if (char === escapeChar) at++;
    else if (char === '"') inDoubleQuotes = !inDoubleQuotes;
    else if (char === "'" && !inDoubleQuotes && hasQuotes) {
      const end = joined.text.indexOf("'", at + 1);
      at = end === -1 ? joined.text.length : end;
    } else if (char === "$") {
      nameAt.lastIndex = at + 1;
      const name = nameAt.exec(joined.text)?.[1];
      if (name === undefined) {
        // Special and positional parameters are one character: `$$A` is the first of them and an A.
        if (/[@*#?\-$!\d]/.test(joined.text.charAt(at + 1))) at++;
        continue;
      }
      const nameStart = nameAt.lastIndex - name.length;
      const range = {
        start: joined.sourceOffset(nameStart),
        end: joined.sourceOffset(nameAt.lastIndex - 1) + 1,
      };
      places.push({ name, range, start: joined.sourceOffset(at) });
      at = nameAt.lastIndex - 1;
    }
  }
  return places;
}
