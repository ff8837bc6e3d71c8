import type { Range } from "../diagnostics/source-file.ts";
import type { Instruction } from "../lightfile/ast.ts";
import type { Change } from "./change.ts";

/**
 * `CMD ['node', 'x.js']` and arrays with a comma too many: Docker gives them to a shell as they are, which nobody
 * means. Written as the array that they look like; null when they look like none.
 */
export function mendArray(text: string, instruction: Instruction): Change | null {
  const range = argumentRange(text, instruction);
  const written = text.slice(range.start, range.end);
  const array = readLoosely(written);
  if (array === null) return null;
  const note = {
    kind: "different",
    message:
      "Docker gives this to a shell, brackets and all; it is written as the JSON array that it looks like",
    hint: "write a command line without brackets if a shell is meant",
    range,
  } as const;
  const newText = `[${array.map((element) => JSON.stringify(element)).join(", ")}]`;
  return { edits: [{ range, newText }], note };
}

/** What stands behind the instruction's name, its flags and the CMD of HEALTHCHECK. */
function argumentRange(text: string, { keyword, flags, range }: Instruction): Range {
  let start = flags.at(-1)?.range.end ?? keyword.range.end;
  const lead = /^[ \t]*(?:CMD[ \t]+(?=\[))?/i.exec(text.slice(start, range.end));
  start += lead?.[0].length ?? 0;
  return { start, end: range.end };
}

function readLoosely(written: string): readonly string[] | null {
  if (!/^\[[\s\S]*\]$/.test(written)) return null;
  const inDoubleQuotes = written.includes('"') ? written : written.replaceAll("'", '"');
  const withoutLastComma = inDoubleQuotes.replace(/,\s*\]$/, "]");
  try {
    const value: unknown = JSON.parse(withoutLastComma);
    return Array.isArray(value) && value.every((element) => typeof element === "string") ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
