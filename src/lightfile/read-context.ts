import type { Flag, Heredoc, Word } from "./ast.ts";
import type { Reporter } from "./reporter.ts";
import { describeInstruction, type InstructionName } from "./reserved.ts";
import type { TokenText } from "./token-words.ts";

export interface ReadContext extends TokenText {
  /** Of the file, without the line feed that `text` may have more. */
  readonly sourceLength: number;
  readonly reporter: Reporter;
}

/** What every instruction has, whatever its kind. */
export interface InstructionParts {
  readonly keyword: Word;
  readonly range: { readonly start: number; readonly end: number };
  readonly flags: readonly Flag[];
  readonly heredocs: readonly Heredoc[];
}

export function reportNoArguments(name: InstructionName, keyword: Word, context: ReadContext): void {
  context.reporter.error({
    code: "MissingArguments",
    range: keyword.range,
    message: `${name} has too few arguments`,
    hint: `usage: ${describeInstruction(name).usage}`,
  });
}
