import type { Range } from "../diagnostics/source-file.ts";
import { didYouMean } from "../diagnostics/suggest.ts";
import { unreachable } from "../diagnostics/unreachable.ts";
import type { Flag, Instruction, Word } from "./ast.ts";
import { readFlag } from "./flag-text.ts";
import type { ParsedInstruction } from "./grammar.ts";
import { joinContinuations } from "./joined-text.ts";
import { readAssignments, readDeclarations, readSettings } from "./read-assignments.ts";
import { readFrom, readImport, readMixin, readUse } from "./read-blocks.ts";
import {
  isListOfStrings,
  readCommand,
  readEnvFromOutput,
  readHealthcheck,
  readShell,
} from "./read-command.ts";
import { type InstructionParts, type ReadContext, reportNoArguments } from "./read-context.ts";
import { readFlags } from "./read-flags.ts";
import { readHeredocs } from "./read-heredocs.ts";
import { invalidWords, plainWords, readCopy, readWords } from "./read-words.ts";
import { quoteWord } from "./reporter.ts";
import { type InstructionName, instructionNames, isInstructionName, outputCommandFlags } from "./reserved.ts";
import { isBlankOrLineEnd, scanLine, scanPlainWord } from "./scan.ts";
import { rangeOf, wordOf } from "./token-words.ts";

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
      flags: parsed.flags.map((flag) => readFlag(flag, context)),
      heredocs: heredocs.list,
      words: plainWords(parsed, context),
      json: false,
    };
  }
  if (!isBlankOrLineEnd(context.text.charCodeAt(keyword.range.end))) reportMissingBlank(keyword, context);
  const flags = readFlags(parsed.flags, name, context);
  return readKnown(name, parsed, { keyword, range, flags, heredocs: heredocs.list }, context);
}

const commandKinds = { RUN: "run", TEST: "test", CMD: "cmd", ENTRYPOINT: "entrypoint" } as const;

function readKnown(
  name: InstructionName,
  parsed: ParsedInstruction,
  base: InstructionParts,
  context: ReadContext,
): Instruction {
  const invalid = (): Instruction => ({ kind: "invalid", ...base, ...invalidWords(parsed, context) });
  const [first] = parsed.arguments;
  if (name === "ONBUILD") return readOnbuild(parsed, base, context);
  if (name === "HEALTHCHECK") return readHealthcheck(parsed, base, context) ?? invalid();
  if (first === undefined) return invalid();
  switch (name) {
    case "FROM":
      return readFrom(parsed, first, base, context);
    case "MIXIN":
      return readMixin(first, base, context);
    case "USE":
      return readUse(parsed, first, base, context);
    case "IMPORT":
      return readImport(parsed, first, base, context) ?? invalid();
    case "RUN":
    case "TEST":
    case "CMD":
    case "ENTRYPOINT": {
      const command = readCommand(first, name, context);
      return command === null ? invalid() : { kind: commandKinds[name], ...base, command };
    }
    case "COPY":
    case "ADD":
      return readCopy(name, parsed, base, context) ?? invalid();
    case "ENV":
    case "LABEL": {
      if (parsed.separators[0] !== undefined)
        return readEnvFromOutput(parsed.separators[0], first, base, context) ?? invalid();
      const kind = name === "ENV" ? "env" : "label";
      if (name === "ENV") reportFlagsWithoutCommand(base.flags, context);
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
      if (json && words.length === 0 && isListOfStrings(first))
        reportNoArguments(name, base.keyword, context);
      return words.length === 0 ? invalid() : { kind: "volume", ...base, words, json };
    }
    default:
      return unreachable(name);
  }
}

/** Flags of ENV that are about a command, where none gives the value. */
function reportFlagsWithoutCommand(flags: readonly Flag[], { reporter }: ReadContext): void {
  // One with another word than true and false has been told of.
  const mayAskForOutput = ({ name, value }: Flag) =>
    name.text === "from-output" && value?.text.toLowerCase() !== "false";
  if (flags.some(mayAskForOutput)) return;
  for (const { name, range } of flags) {
    if (!outputCommandFlags.includes(name.text)) continue;
    reporter.error({
      code: "FlagWithoutCommand",
      range: { start: range.start, end: name.range.end },
      message: `--${name.text} of ENV is about the command that gives the value, and there is none`,
      hint: `take the flag out, or write ENV --from-output --${name.text}… NAME command`,
    });
  }
}

/** What stands for itself, or means something in its own file only. */
const neverTriggers: ReadonlySet<Instruction["kind"]> = new Set([
  "from",
  "maintainer",
  "snapshot",
  "mixin",
  "use",
  "import",
]);

function readOnbuild(parsed: ParsedInstruction, base: InstructionParts, context: ReadContext): Instruction {
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
  if (parsed.trigger === null) {
    const words = plainWords(parsed, context);
    // Behind ONBUILD a # is no comment: it is the first letter of an instruction that nobody knows.
    if (words[0] !== undefined && parsed.arguments.length > 0) reportUnknownInstruction(words[0], context);
    return { kind: "invalid", ...base, words, json: false };
  }
  const trigger = readInstruction(parsed.trigger, context);
  if (neverTriggers.has(trigger.kind)) {
    reporter.error({
      code: "OnbuildNotAllowed",
      range: trigger.keyword.range,
      message: `${trigger.keyword.text.toUpperCase()} cannot follow ONBUILD`,
      hint: "only what a stage built on this one may run can follow it",
    });
  }
  const range = {
    start: again?.startOffset ?? trigger.range.start,
    end: scanLine(context.text, trigger.range.start, context.escape),
  };
  const line = wordOf(
    { ...(again ?? parsed.trigger.keyword), image: context.text.slice(range.start, range.end) },
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

function reportUnknownInstruction(keyword: Word, context: ReadContext): void {
  const name = keyword.text.toUpperCase();
  const behindEscape = commentBehindEscape(keyword, context);
  context.reporter.error({
    code: "UnknownInstruction",
    range: keyword.range,
    message: `unknown instruction ${quoteWord(keyword.text)}`,
    ...(behindEscape === null
      ? {}
      : {
          related: [
            { message: `what follows the ${context.escape} keeps it from continuing`, range: behindEscape },
          ],
        }),
    hint:
      (behindEscape === null ? undefined : "give that comment a line of its own") ??
      continuedName(keyword, context) ??
      didYouMean(name, instructionNames) ??
      "if the line belongs to the one before, that one must end with the escape character",
  });
}

/** In the line before, what looks like a comment behind the escape character, which then continues nothing. */
function commentBehindEscape({ range }: Word, { text, escape: escapeChar }: ReadContext): Range | null {
  const lineEnd = text.lastIndexOf("\n", range.start);
  const lineStart = text.lastIndexOf("\n", lineEnd - 1) + 1;
  if (lineEnd === -1) return null;
  const line = text.slice(lineStart, lineEnd).trimEnd();
  const match = (escapeChar === "\\" ? /\\[ \t]+#/ : /`[ \t]+#/).exec(line);
  if (match === null || line.trimStart().startsWith("#")) return null;
  return { start: lineStart + match.index + match[0].length - 1, end: lineStart + line.length };
}

/** For a name that is cut by a continuation. */
function continuedName(keyword: Word, context: ReadContext): string | undefined {
  const { start, end } = keyword.range;
  const wordEnd = scanPlainWord(context.text, start, context.escape);
  if (wordEnd === end) return undefined;
  const joined = joinContinuations(context.text, { start, end: wordEnd }, context.escape).text.toUpperCase();
  return isInstructionName(joined) ? `write ${joined} on one line` : undefined;
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
