import type { Range } from "../diagnostics/source-file.ts";
import type { Instruction } from "./ast.ts";
import type { Reporter } from "./reporter.ts";
import { isInstructionName } from "./reserved.ts";
import type { Escape } from "./scan.ts";

/** Instructions in which a `#` that stands alone cannot be meant, by keyword. In others it is text. */
const withWords: ReadonlySet<string> = new Set(
  "FROM ENV LABEL EXPOSE USER STOPSIGNAL COPY ADD SNAPSHOT RESOURCES".split(" "),
);
/** Those that a `#` spoils behind an array. */
const withArrays: ReadonlySet<string> = new Set("RUN CMD ENTRYPOINT SHELL VOLUME COPY ADD TEST".split(" "));

/** Reports comments behind an instruction, which are none, instead of what else is wrong with their words. */
export function reportTrailingComments(
  instructions: readonly Instruction[],
  {
    text,
    escape: escapeChar,
    reporter,
  }: { readonly text: string; readonly escape: Escape; readonly reporter: Reporter },
): void {
  const found = instructions.flatMap((instruction) => {
    const start = trailingComment(instruction, text, escapeChar);
    if (start === null) return [];
    return {
      code: "CommentBehindInstruction",
      range: { start, end: lineRange(instruction).end },
      message: `a # behind ${instruction.keyword.text.toUpperCase()} starts no comment: it belongs to the instruction`,
      hint: "write the comment on a line of its own above",
    };
  });
  reporter.replaceErrors(found);
}

/** Without the bodies of heredocs. */
function lineRange({ range, heredocs }: Instruction): Range {
  const [first] = heredocs;
  return first === undefined
    ? range
    : { start: range.start, end: Math.max(range.start, first.bodyRange.start - 1) };
}

function trailingComment(instruction: Instruction, text: string, escapeChar: Escape): number | null {
  const keyword = instruction.keyword.text.toUpperCase();
  if (!isInstructionName(keyword)) return null;
  const line = lineRange(instruction);
  const written = text.slice(instruction.keyword.range.end, line.end);
  if (!written.includes("#")) return null;
  if (withWords.has(keyword)) {
    // `ENV name all the rest` takes whatever there is.
    if ("legacy" in instruction && instruction.legacy) return null;
    return standingAlone(text, { start: instruction.keyword.range.end, end: line.end }, escapeChar);
  }
  const array = withArrays.has(keyword) ? /^\s*\[\s*"[^\n]*\](?=[ \t]+#[ \t])/.exec(written) : null;
  return array === null ? null : text.indexOf("#", instruction.keyword.range.end + array[0].length);
}

/** The first `#` outside of quotes between white space, on a line that has something before it. */
function standingAlone(text: string, { start, end }: Range, escapeChar: Escape): number | null {
  let quote = "";
  let hasWords = true;
  let isBehindBlank = false;
  for (let at = start; at < end; at++) {
    const char = text.charAt(at);
    if (char === "\n") hasWords = false;
    else if (char === "#" && quote === "") {
      if (!hasWords) {
        // A comment line between continued ones.
        const lineEnd = text.indexOf("\n", at);
        at = (lineEnd === -1 ? end : lineEnd) - 1;
      } else if (isBehindBlank && /^\s?$/.test(text.charAt(at + 1))) return at;
    } else if (char === escapeChar && quote !== "'") {
      if (text.charAt(at + 1) !== "\n") at++;
      hasWords = true;
    } else if (char === quote) quote = "";
    else if (quote === "" && (char === '"' || char === "'")) quote = char;
    isBehindBlank = /\s/.test(char);
    if (!isBehindBlank) hasWords = true;
  }
  return null;
}
