import type { Range } from "../diagnostics/source-file.ts";
import type { Heredoc } from "./ast.ts";
import type { ParsedInstruction } from "./grammar.ts";
import type { ReadContext } from "./read-context.ts";
import { quoteWord } from "./reporter.ts";
import { payloadOf } from "./token-patterns.ts";

/** The heredocs of an instruction, and where the last one ends; null without any. */
export function readHeredocs(
  parsed: ParsedInstruction,
  context: ReadContext,
): { list: readonly Heredoc[]; end: number | null } {
  const payload = parsed.heredocs === null ? undefined : payloadOf(parsed.heredocs);
  if (payload?.kind !== "heredoc-bodies") return { list: [], end: null };
  const { heredocs, unterminated, nearTerminator, end } = payload.bodies;
  if (unterminated !== null) {
    const name = unterminated.delimiter.text;
    const near =
      nearTerminator === null
        ? []
        : [{ message: "white space keeps this line from ending it", range: nearTerminator }];
    context.reporter.error({
      code: "UnterminatedHeredoc",
      range: unterminated.delimiter.range,
      message: `the heredoc ${quoteWord(name)} is never closed`,
      hint:
        nearTerminator === null
          ? `${blankHint(name)}add a line that holds ${name} and nothing else`
          : `write ${name} at the start of its line, or open with <<-${name} and indent with tabs`,
      related: near,
    });
  }
  const list = heredocs.map((heredoc) => ({
    ...heredoc,
    bodyRange: inSource(heredoc.bodyRange, context.sourceLength),
  }));
  return { list, end: context.text.charAt(end - 1) === "\r" ? end - 1 : end };
}

/** A body that is missing at the end of the file has its place there. */
function inSource({ start, end }: Range, length: number): Range {
  return { start: Math.min(start, length), end: Math.min(end, length) };
}

/** A shell ends the word of a heredoc at these signs, too; here it goes on to the next blank. */
function blankHint(name: string): string {
  const [word] = /^[\w.-]+(?=[;&|<>()])/.exec(name) ?? [];
  return word === undefined ? "" : `write a blank behind ${word} if the word ends there; else `;
}
