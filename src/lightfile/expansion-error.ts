import { type Position, positionAt } from "../diagnostics/source-file.ts";

const hints = {
  UnclosedQuote: "close it, or put the file's escape character before it if it stands for itself",
  BadSubstitution: `write \${NAME}, \${NAME:-default} or another form that a shell knows; escape a $ that stands for itself`,
  RequiredVariable: "set it with ARG or ENV above this line, or with --build-arg where an ARG declares it",
  InvalidPattern: "a backslash stands before *, ? or another backslash only",
} as const;

/** A blank ends a word, also within a substitution. */
export const unclosedHint =
  "write it; if a blank cut the word off, put quotes around it, or paths into a JSON array; escape a $ that stands for itself";

/** A word that cannot be expanded. `offset` is where in the word, in UTF-16 units, and `end` how far it was read. */
export class ExpansionError extends Error {
  /** Stable name in PascalCase, to be the code of a diagnostic. */
  readonly code: keyof typeof hints;
  readonly offset: number;
  readonly end: number;
  /** The same place as a line and a column, both from 1. */
  readonly position: Position;
  /** What to do about it. */
  readonly hint: string;

  constructor(
    code: ExpansionError["code"],
    place: { text: string; offset: number; end: number },
    message: string,
    hint: string = hints[code],
  ) {
    super(message);
    this.name = "ExpansionError";
    this.code = code;
    this.offset = place.offset;
    this.end = place.end;
    this.position = positionAt({ path: "", text: place.text }, place.offset);
    this.hint = hint;
  }
}
