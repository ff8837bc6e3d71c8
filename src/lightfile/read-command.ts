import type { IToken } from "chevrotain";
import type { Command, Instruction, Word } from "./ast.ts";
import type { ParsedInstruction } from "./grammar.ts";
import { looksLikeJsonArray } from "./json-array.ts";
import { plainWordsIn } from "./plain-words.ts";
import { type InstructionParts, type ReadContext, reportNoArguments } from "./read-context.ts";
import { quoteWord } from "./reporter.ts";
import type { InstructionName } from "./reserved.ts";
import { payloadOf } from "./token-patterns.ts";
import { rangeOf, wordOf } from "./token-words.ts";

/** Either form of a command; null when a diagnostic says what is wrong with it. */
export function readCommand(token: IToken, name: InstructionName, context: ReadContext): Command | null {
  const argv = readJson(token, name, context);
  if (argv !== null) {
    if (argv.length > 0 || name === "CMD" || name === "ENTRYPOINT") return { form: "exec", argv };
    if (isListOfStrings(token)) reportNoArguments(name, { text: name, range: rangeOf(token) }, context);
    return null;
  }
  const line = wordOf(token, context);
  reportLikelyJson(line, name, context);
  return { form: "shell", line };
}

/** The strings of a JSON token; null when the token is none. */
export function readJson(token: IToken, name: InstructionName, context: ReadContext): readonly Word[] | null {
  const payload = payloadOf(token);
  if (payload?.kind !== "json") return null;
  if (!payload.array.onlyStrings) {
    context.reporter.error({
      code: "JsonNotStrings",
      range: rangeOf(token),
      message: `the JSON array of ${name} may hold strings only`,
      hint: "put each element into double quotes",
    });
  }
  return payload.array.words;
}

export function isListOfStrings(token: IToken): boolean {
  const payload = payloadOf(token);
  return payload?.kind === "json" && payload.array.onlyStrings;
}

/** Says that a text was probably meant to be a JSON array, and is none. */
export function reportLikelyJson(line: Word, name: string, context: ReadContext): void {
  if (!looksLikeJsonArray(line.text)) return;
  context.reporter.error({
    code: "MalformedJsonArray",
    range: line.range,
    message: `this looks like a JSON array but is none, so ${name} would take it as plain text`,
    hint: "use double quotes around each element and commas between them, none after the last",
  });
}

export function readShell(token: IToken, base: InstructionParts, context: ReadContext): Instruction | null {
  const argv = readJson(token, "SHELL", context);
  if (argv === null) {
    context.reporter.error({
      code: "MalformedJsonArray",
      range: rangeOf(token),
      message: "SHELL takes a JSON array of strings",
      hint: 'for example: SHELL ["/bin/bash", "-o", "pipefail", "-c"]',
    });
    return null;
  }
  if (argv.length > 0) return { kind: "shell", ...base, argv };
  if (isListOfStrings(token)) reportNoArguments("SHELL", base.keyword, context);
  return null;
}

export function readHealthcheck(
  parsed: ParsedInstruction,
  base: InstructionParts,
  context: ReadContext,
): Instruction | null {
  const separator = parsed.separators[0];
  if (separator === undefined) return null;
  const type = wordOf(separator, context);
  const [first] = parsed.arguments;
  if (type.text.toUpperCase() === "NONE") {
    return {
      kind: "healthcheck",
      ...base,
      command: null,
      words: plainWordsIn({ start: type.range.start, end: base.range.end }, context),
      json: false,
    };
  }
  if (first === undefined) return null;
  const command = readCommand(first, "HEALTHCHECK", context);
  if (command === null) return null;
  const words = command.form === "exec" ? command.argv : [command.line];
  return { kind: "healthcheck", ...base, command, words: [type, ...words], json: command.form === "exec" };
}

/** `ENV --from-output name command`. */
export function readEnvFromOutput(
  nameToken: IToken,
  commandToken: IToken,
  base: InstructionParts,
  context: ReadContext,
): Instruction | null {
  const name = wordOf(nameToken, context);
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name.text)) {
    context.reporter.error({
      code: "InvalidVariableName",
      range: name.range,
      message: `${quoteWord(name.text)} cannot be the name of a variable`,
      hint: "write ENV --from-output NAME command, the name of letters, digits and _",
    });
  }
  const command = readCommand(commandToken, "ENV", context);
  return command === null ? null : { kind: "env-from-output", ...base, name, command };
}
