import type { IToken } from "chevrotain";
import { didYouMean } from "../diagnostics/suggest.ts";
import { unreachable } from "../diagnostics/unreachable.ts";
import type { Command, CopyInstruction, Flag, Heredoc, Instruction, Word } from "./ast.ts";
import type { ParsedInstruction } from "./grammar.ts";
import { looksLikeJsonArray } from "./json-array.ts";
import { readAssignments, readDeclarations, readSettings } from "./read-assignments.ts";
import { readFlags } from "./read-flags.ts";
import { quoteWord, type Reporter } from "./reporter.ts";
import {
  describeInstruction,
  type InstructionName,
  instructionNames,
  isInstructionName,
} from "./reserved.ts";
import { isBlankOrLineEnd, scanLine, scanPlainWord, skipBlanks } from "./scan.ts";
import { payloadOf } from "./token-patterns.ts";
import { rangeOf, type TokenText, wordOf } from "./token-words.ts";

export interface ReadContext extends TokenText {
  readonly reporter: Reporter;
}

/** What every instruction has, whatever its kind. */
interface Base {
  readonly keyword: Word;
  readonly range: { readonly start: number; readonly end: number };
  readonly flags: readonly Flag[];
  readonly heredocs: readonly Heredoc[];
}

/** Makes the node of one instruction and reports what is wrong with its words. */
export function readInstruction(parsed: ParsedInstruction, context: ReadContext): Instruction {
  const keyword = wordOf(parsed.keyword, context);
  const name = keyword.text.toUpperCase();
  const heredocs = readHeredocs(parsed, context);
  const range = {
    start: keyword.range.start,
    end: heredocs.end ?? scanLine(context.text, keyword.range.start, context.escape),
  };
  if (!isInstructionName(name)) {
    reportUnknownInstruction(keyword, context);
    return {
      kind: "invalid",
      keyword,
      range,
      flags: [],
      heredocs: heredocs.list,
      words: plainWords(parsed, context),
    };
  }
  if (!isBlankOrLineEnd(context.text.charCodeAt(keyword.range.end))) reportMissingBlank(keyword, context);
  const flags = readFlags(parsed.flags, name, context);
  return readKnown(name, parsed, { keyword, range, flags, heredocs: heredocs.list }, context);
}

function readKnown(
  name: InstructionName,
  parsed: ParsedInstruction,
  base: Base,
  context: ReadContext,
): Instruction {
  const invalid = (): Instruction => ({ kind: "invalid", ...base, words: plainWords(parsed, context) });
  const [first] = parsed.arguments;
  if (name === "ONBUILD") return readOnbuild(parsed, base, context);
  if (name === "HEALTHCHECK") return readHealthcheck(parsed, base, context) ?? invalid();
  if (first === undefined) return invalid();
  switch (name) {
    case "FROM":
      return readFrom(parsed, first, base, context);
    case "RUN": {
      const command = readCommand(first, name, context);
      return command === null ? invalid() : { kind: "run", ...base, command };
    }
    case "CMD":
    case "ENTRYPOINT": {
      const command = readCommand(first, name, context);
      const kind = name === "CMD" ? "cmd" : "entrypoint";
      return command === null ? invalid() : { kind, ...base, command };
    }
    case "COPY":
    case "ADD":
      return readCopy(name, parsed, base, context) ?? invalid();
    case "ENV":
    case "LABEL": {
      const kind = name === "ENV" ? "env" : "label";
      const { pairs, legacy } = readAssignments(parsed.arguments, name, context);
      return pairs.length === 0 ? invalid() : { kind, ...base, pairs, legacy };
    }
    case "ARG":
      return { kind: "arg", ...base, declarations: readDeclarations(parsed.arguments, context) };
    case "RESOURCES":
      return { kind: "resources", ...base, settings: readSettings(parsed.arguments, context) };
    case "WORKDIR":
      return { kind: "workdir", ...base, path: wordOf(first, context) };
    case "USER":
      return { kind: "user", ...base, user: wordOf(first, context) };
    case "SNAPSHOT":
      return { kind: "snapshot", ...base, name: wordOf(first, context) };
    case "SHELL":
      return readShell(first, base, context) ?? invalid();
    case "STOPSIGNAL":
    case "MAINTAINER": {
      const kind = name === "STOPSIGNAL" ? "stopsignal" : "maintainer";
      return { kind, ...base, words: [wordOf(first, context)], json: false };
    }
    case "EXPOSE":
      return { kind: "expose", ...base, words: readWords(parsed, context).words, json: false };
    case "VOLUME": {
      const { words, json } = readWords(parsed, context);
      if (json && words.length === 0) reportNoArguments(name, base.keyword, context);
      return words.length === 0 ? invalid() : { kind: "volume", ...base, words, json };
    }
    default:
      return unreachable(name);
  }
}

function readFrom(parsed: ParsedInstruction, image: IToken, base: Base, context: ReadContext): Instruction {
  const aliasToken = parsed.arguments[1];
  const alias = aliasToken === undefined ? null : wordOf(aliasToken, context);
  if (alias !== null && !/^[a-z][a-z0-9_.-]*$/.test(alias.text.toLowerCase())) {
    context.reporter.error({
      code: "InvalidStageName",
      range: alias.range,
      message: `${quoteWord(alias.text)} cannot be the name of a stage`,
      hint: "start with a letter, go on with letters, digits, - _ or .",
    });
  }
  return { kind: "from", ...base, image: wordOf(image, context), alias };
}

function readCommand(token: IToken, name: InstructionName, context: ReadContext): Command | null {
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
function readJson(token: IToken, name: InstructionName, context: ReadContext): readonly Word[] | null {
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

function isListOfStrings(token: IToken): boolean {
  const payload = payloadOf(token);
  return payload?.kind === "json" && payload.array.onlyStrings;
}

function reportLikelyJson(line: Word, name: string, context: ReadContext): void {
  if (!looksLikeJsonArray(line.text)) return;
  context.reporter.error({
    code: "MalformedJsonArray",
    range: line.range,
    message: `this looks like a JSON array but is none, so ${name} would take it as plain text`,
    hint: "use double quotes around each element and commas between them, none after the last",
  });
}

function readShell(token: IToken, base: Base, context: ReadContext): Instruction | null {
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

/** The words of an instruction that takes a list, as JSON or separated by white space. */
function readWords(
  parsed: ParsedInstruction,
  context: ReadContext,
): { words: readonly Word[]; json: boolean } {
  const [first] = parsed.arguments;
  const name = parsed.keyword.image.toUpperCase();
  if (first !== undefined && isInstructionName(name)) {
    const words = readJson(first, name, context);
    if (words !== null) return { words, json: true };
  }
  const words = parsed.arguments.map((token) => {
    const payload = payloadOf(token);
    const marker = payload?.kind === "heredoc-markers" ? payload.markers[0] : undefined;
    if (marker !== undefined) return { text: `<<${marker.delimiter.text}`, range: rangeOf(token) };
    return wordOf(token, context);
  });
  return { words, json: false };
}

function readCopy(
  name: "COPY" | "ADD",
  parsed: ParsedInstruction,
  base: Base,
  context: ReadContext,
): CopyInstruction | null {
  const { words, json } = readWords(parsed, context);
  const first = words[0];
  const destination = words.at(-1);
  const lastToken = parsed.arguments.at(-1);
  if (first !== undefined && destination !== undefined && !json) {
    const range = { start: first.range.start, end: destination.range.end };
    const text = words.map((word) => word.text).join(" ");
    reportLikelyJson({ text, range }, name, context);
  }
  if (destination === undefined || words.length < 2) {
    if (!json || parsed.arguments.some(isListOfStrings)) reportNoArguments(name, base.keyword, context);
    return null;
  }
  if (lastToken !== undefined && payloadOf(lastToken)?.kind === "heredoc-markers") {
    context.reporter.error({
      code: "HeredocDestination",
      range: destination.range,
      message: `the destination of ${name} cannot be a heredoc`,
      hint: `add a path: ${describeInstruction(name).usage}`,
    });
  }
  return { kind: name === "COPY" ? "copy" : "add", ...base, sources: words.slice(0, -1), destination };
}

function readHealthcheck(parsed: ParsedInstruction, base: Base, context: ReadContext): Instruction | null {
  const separator = parsed.separators[0];
  if (separator === undefined) return null;
  const type = wordOf(separator, context);
  const [first] = parsed.arguments;
  if (type.text.toUpperCase() === "NONE") {
    return { kind: "healthcheck", ...base, command: null, words: [type], json: false };
  }
  if (first === undefined) return null;
  const command = readCommand(first, "HEALTHCHECK", context);
  if (command === null) return null;
  const words = command.form === "exec" ? command.argv : [command.line];
  return { kind: "healthcheck", ...base, command, words: [type, ...words], json: command.form === "exec" };
}

function readOnbuild(parsed: ParsedInstruction, base: Base, context: ReadContext): Instruction {
  const { reporter } = context;
  const again = parsed.separators[0];
  if (again !== undefined) {
    reporter.error({
      code: "OnbuildNotAllowed",
      range: rangeOf(again),
      message: "ONBUILD cannot follow ONBUILD",
      hint: "write ONBUILD once",
    });
  }
  if (parsed.trigger === null) return { kind: "invalid", ...base, words: [] };
  const trigger = readInstruction(parsed.trigger, context);
  if (trigger.kind === "from" || trigger.kind === "maintainer" || trigger.kind === "snapshot") {
    reporter.error({
      code: "OnbuildNotAllowed",
      range: trigger.keyword.range,
      message: `${trigger.keyword.text.toUpperCase()} cannot follow ONBUILD`,
      hint: "only what a stage built on this one may run can follow it",
    });
  }
  const range = {
    start: trigger.range.start,
    end: scanLine(context.text, trigger.range.start, context.escape),
  };
  const line = wordOf(
    { ...parsed.trigger.keyword, image: context.text.slice(range.start, range.end) },
    context,
  );
  return {
    kind: "onbuild",
    ...base,
    range: { start: base.range.start, end: trigger.range.end },
    heredocs: trigger.heredocs,
    words: [line],
    json: false,
    trigger,
  };
}

function readHeredocs(
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
          ? `add a line that holds ${name} and nothing else`
          : `write ${name} at the start of its line, or open with <<-${name} and indent with tabs`,
      related: near,
    });
  }
  return { list: heredocs, end: context.text.charAt(end - 1) === "\r" ? end - 1 : end };
}

/** The words of an instruction that cannot be acted on, simply cut at white space. */
function plainWords(parsed: ParsedInstruction, context: ReadContext): readonly Word[] {
  const words: Word[] = [];
  for (const token of parsed.arguments) {
    const { start, end } = rangeOf(token);
    let at = start;
    while (at < end) {
      const wordStart = skipBlanks(context.text, at);
      const wordEnd = Math.min(scanPlainWord(context.text, wordStart, context.escape), end);
      if (wordEnd > wordStart) {
        const image = context.text.slice(wordStart, wordEnd);
        words.push(wordOf({ ...token, image, startOffset: wordStart }, context));
      }
      at = Math.max(wordEnd, wordStart + 1);
    }
  }
  return words;
}

function reportUnknownInstruction(keyword: Word, context: ReadContext): void {
  const name = keyword.text.toUpperCase();
  context.reporter.error({
    code: "UnknownInstruction",
    range: keyword.range,
    message: `unknown instruction ${quoteWord(keyword.text)}`,
    hint:
      didYouMean(name, instructionNames) ??
      "if the line belongs to the one before, that one must end with the escape character",
  });
}

function reportMissingBlank(keyword: Word, context: ReadContext): void {
  const nextLine = scanPlainWord(context.text, keyword.range.start, context.escape) > keyword.range.end;
  if (!nextLine) return;
  context.reporter.error({
    code: "MissingBlank",
    range: keyword.range,
    message: `${keyword.text.toUpperCase()} runs into the word on the next line`,
    hint: "put a blank between the instruction's name and the escape character",
  });
}

function reportNoArguments(name: InstructionName, keyword: Word, context: ReadContext): void {
  context.reporter.error({
    code: "MissingArguments",
    range: keyword.range,
    message: `${name} has too few arguments`,
    hint: `usage: ${describeInstruction(name).usage}`,
  });
}
