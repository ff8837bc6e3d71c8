import type { IRecognitionException } from "chevrotain";
import { didYouMean } from "../diagnostics/suggest.ts";
import type { ParsedFile, ParsedInstruction } from "./grammar.ts";
import type { ReadContext } from "./read-context.ts";
import { quoteWord } from "./reporter.ts";
import { describeInstruction, isInstructionName } from "./reserved.ts";
import { scanLine } from "./scan.ts";
import { payloadOf } from "./token-patterns.ts";
import { rangeOf, wordOf } from "./token-words.ts";

/** Says in the words of the language what the grammar found wrong: at most one thing for each instruction. */
export function reportSyntaxErrors(file: ParsedFile, context: ReadContext): void {
  let at = 0;
  let reported: ParsedInstruction | null = null;
  for (const error of file.errors) {
    const offset = errorOffset(error);
    while ((file.instructions[at + 1]?.keyword.startOffset ?? Infinity) <= offset) at++;
    const instruction = file.instructions[at];
    if (instruction === undefined || instruction === reported) continue;
    reported = instruction;
    reportSyntaxError(error, innermost(instruction), context);
  }
}

/** Where the mistake is felt: the token before it belongs to the instruction for certain. */
function errorOffset(error: IRecognitionException): number {
  const previous = "previousToken" in error ? error.previousToken : undefined;
  if (typeof previous !== "object" || previous === null || !("startOffset" in previous))
    return error.token.startOffset;
  const { startOffset } = previous;
  return typeof startOffset === "number" && !Number.isNaN(startOffset)
    ? startOffset
    : error.token.startOffset;
}

function innermost(instruction: ParsedInstruction): ParsedInstruction {
  return instruction.trigger ?? instruction;
}

function reportSyntaxError(
  error: IRecognitionException,
  instruction: ParsedInstruction,
  context: ReadContext,
): void {
  const keyword = wordOf(instruction.keyword, context);
  const name = keyword.text.toUpperCase();
  if (!isInstructionName(name)) return;
  const usage = `usage: ${describeInstruction(name).usage}`;
  const found = error.token;
  const atEnd = found.image === "\n" || found.image === "" || Number.isNaN(found.startOffset);
  if (atEnd) {
    // A flag's quote that is never closed has swallowed the arguments.
    if (instruction.flags.some((flag) => payloadOf(flag)?.kind === "open-quote")) return;
    const separator = instruction.separators.at(-1);
    const after =
      separator === undefined
        ? name
        : `${name} … ${name === "ENV" ? separator.image : separator.image.toUpperCase()}`;
    context.reporter.error({
      code: "MissingArguments",
      range: separator === undefined ? keyword.range : rangeOf(separator),
      message:
        instruction.arguments.length === 0 || separator !== undefined
          ? `${after} has nothing behind it`
          : `${name} has too few arguments`,
      hint: usage,
    });
    return;
  }
  const word = wordOf(found, context);
  const range = { start: word.range.start, end: scanLine(context.text, word.range.start, context.escape) };
  const suggestion =
    name === "HEALTHCHECK" ? didYouMean(word.text.split(/\s/, 1)[0] ?? "", ["CMD", "NONE"]) : undefined;
  const needsAs =
    (name === "FROM" || name === "IMPORT") &&
    instruction.arguments.length === 1 &&
    instruction.separators.length === 0;
  context.reporter.error({
    code: "UnexpectedArguments",
    range,
    message:
      name === "HEALTHCHECK" && instruction.separators.length === 0
        ? `HEALTHCHECK takes CMD or NONE, not ${quoteWord(word.text)}`
        : `${name} does not take ${quoteWord(word.text)} here`,
    hint: suggestion ?? (needsAs ? `the name comes after AS; ${usage}` : usage),
  });
}
