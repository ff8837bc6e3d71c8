import type { TextEdit } from "../diagnostics/fix.ts";
import type { Range } from "../diagnostics/source-file.ts";
import type { Flag } from "../lightfile/ast.ts";
import { wholeLines } from "./text-change.ts";

/** What an import does at one place of a Dockerfile, and what it says about it. */
export interface Change {
  readonly edits: readonly TextEdit[];
  readonly note: Note | null;
}

export interface Note {
  /** `lost`: left out, and somebody has to look at it. `different`: it is there, in other words or with another meaning. */
  readonly kind: "lost" | "different";
  readonly message: string;
  readonly hint: string;
  readonly range: Range;
}

/** Takes a flag and the blanks behind it away. */
export function withoutFlag(text: string, flag: Flag, note: Omit<Note, "range"> | null): Change {
  let end = flag.range.end;
  while (text[end] === " " || text[end] === "\t") end++;
  return {
    edits: [{ range: { start: flag.range.start, end }, newText: "" }],
    note: note === null ? null : { ...note, range: flag.range },
  };
}

/** Makes comments of the lines of an instruction, below one that says why. */
export function commentOut(text: string, range: Range, note: Note): Change {
  const lines = wholeLines(text, range);
  const lineEnd = text.includes("\r\n") ? "\r\n" : "\n";
  const written = text.slice(lines.start, lines.end).split(/\r?\n/);
  const reason = `# lightbox import left this out: ${note.message}`;
  const commented = written.map((line) => `# ${line}`.trimEnd());
  return { edits: [{ range: lines, newText: [reason, ...commented].join(lineEnd) }], note };
}
