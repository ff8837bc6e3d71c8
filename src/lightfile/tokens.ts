import {
  type CustomPatternMatcherReturn,
  createToken,
  type IMultiModeLexerDefinition,
  type IToken,
  type ITokenConfig,
  Lexer,
  type TokenType,
} from "chevrotain";
import { type InstructionName, instructions } from "./reserved.ts";
import type { Escape } from "./scan.ts";
import {
  type Match,
  matchAssignment,
  matchCommandText,
  matchContinuation,
  matchFlag,
  matchFlagsEnd,
  matchHeredocBodies,
  matchHeredocMarker,
  matchJsonArray,
  matchLegacyAssignment,
  matchMixinName,
  matchOutputName,
  matchText,
  matchWord,
  type Place,
} from "./token-patterns.ts";

type Mode =
  | "line"
  | "command"
  | "plain"
  | "list"
  | "text"
  | "assignments"
  | "environment"
  | "use"
  | "from"
  | "copy"
  | "healthcheck";

/** How the tail of each instruction is read; ONBUILD's is an instruction again. */
const modeOfInstruction: Readonly<Record<InstructionName, Mode | null>> = {
  ADD: "copy",
  ARG: "assignments",
  CMD: "command",
  COPY: "copy",
  ENTRYPOINT: "command",
  ENV: "environment",
  EXPOSE: "plain",
  FROM: "from",
  HEALTHCHECK: "healthcheck",
  IMPORT: "from",
  LABEL: "assignments",
  MAINTAINER: "text",
  MIXIN: "plain",
  ONBUILD: null,
  RESOURCES: "assignments",
  RUN: "command",
  SHELL: "command",
  SNAPSHOT: "plain",
  STOPSIGNAL: "text",
  TEST: "command",
  USE: "use",
  USER: "text",
  VOLUME: "list",
  WORKDIR: "text",
};

type TokenName =
  | "BareOnbuild"
  | "Unknown"
  | "Flag"
  | "FlagsEnd"
  | "Command"
  | "JsonArray"
  | "CommandText"
  | "Argument"
  | "Word"
  | "HeredocMarker"
  | "Text"
  | "Assignment"
  | "LegacyAssignment"
  | "OutputName"
  | "EnvironmentArgument"
  | "MixinName"
  | "As"
  | "HealthcheckCommand"
  | "HealthcheckNone"
  | "HeredocBodies"
  | "EndOfLine";

/**
 * The token types of one dialect: they differ by the escape character only. Tokens are whole words or whole lines,
 * and an instruction's name decides how the rest of its line is cut.
 */
export interface Vocabulary {
  readonly escape: Escape;
  readonly keywords: Readonly<Record<InstructionName, TokenType>>;
  /**
   * `Command` is either form of a command, `Argument` a word, a heredoc marker or a whole JSON array, `Text` the rest
   * of a line; `BareOnbuild` is ONBUILD with nothing behind it, `OutputName` the name in `ENV --from-output`,
   * `EnvironmentArgument` what may stand behind ENV.
   */
  readonly types: Readonly<Record<TokenName, TokenType>>;
  readonly definition: IMultiModeLexerDefinition;
}

export function createVocabulary(escapeChar: Escape): Vocabulary {
  const custom = (
    name: TokenName | "Continuation",
    match: (place: Place) => Match | null,
    rest: Partial<ITokenConfig>,
  ) =>
    createToken({
      name,
      line_breaks: true,
      pattern: {
        exec: (text: string, offset: number, tokens: IToken[]) =>
          asRegExpMatch(match({ text, offset, tokens, escape: escapeChar }), text, offset),
      },
      ...rest,
    });
  const escapeInClass = escapeChar === "\\" ? "\\\\" : "`";
  const spelled = (name: string, text: string, rest: Partial<ITokenConfig>) =>
    createToken({
      name,
      pattern: new RegExp(`${text}(?=[\\s${escapeInClass}])`, "i"),
      ...rest,
    });

  const keywords = {} as Record<InstructionName, TokenType>; // filled for every name right below
  for (const name of Object.keys(instructions) as InstructionName[]) {
    const mode = modeOfInstruction[name];
    keywords[name] = spelled(name, name, mode === null ? {} : { push_mode: mode });
  }
  const Command = createToken({ name: "Command", pattern: Lexer.NA });
  const Argument = createToken({ name: "Argument", pattern: Lexer.NA });
  const EnvironmentArgument = createToken({ name: "EnvironmentArgument", pattern: Lexer.NA });
  const Assignment = custom("Assignment", matchAssignment, { categories: EnvironmentArgument });
  const types: Record<TokenName, TokenType> = {
    BareOnbuild: createToken({
      name: "BareOnbuild",
      pattern: /ONBUILD(?=[ \t\v\f\r]*(?:\n|[ \t]#))/i,
      push_mode: "text",
    }),
    Unknown: createToken({
      name: "Unknown",
      pattern: new RegExp(`[^\\s][^\\s${escapeInClass}]*`),
      push_mode: "command",
    }),
    Flag: custom("Flag", matchFlag, {}),
    FlagsEnd: custom("FlagsEnd", matchFlagsEnd, {}),
    Command,
    JsonArray: custom("JsonArray", matchJsonArray, {
      categories: [Command, Argument, EnvironmentArgument],
    }),
    CommandText: custom("CommandText", matchCommandText, { categories: [Command, EnvironmentArgument] }),
    Argument,
    Word: custom("Word", matchWord, { categories: Argument }),
    HeredocMarker: custom("HeredocMarker", matchHeredocMarker, {
      categories: Argument,
    }),
    Text: custom("Text", matchText, {}),
    Assignment,
    LegacyAssignment: custom("LegacyAssignment", matchLegacyAssignment, { categories: Assignment }),
    OutputName: custom("OutputName", matchOutputName, { pop_mode: true, push_mode: "command" }),
    EnvironmentArgument,
    MixinName: custom("MixinName", matchMixinName, {}),
    As: spelled("As", "AS", {}),
    HealthcheckCommand: spelled("HealthcheckCommand", "CMD", { pop_mode: true, push_mode: "command" }),
    HealthcheckNone: spelled("HealthcheckNone", "NONE", {}),
    HeredocBodies: custom("HeredocBodies", matchHeredocBodies, {}),
    EndOfLine: createToken({ name: "EndOfLine", pattern: "\n", pop_mode: true, line_breaks: true }),
  };
  const continuation = custom("Continuation", matchContinuation, {
    group: "continuations",
  });
  return { escape: escapeChar, keywords, types, definition: lexerDefinition(keywords, types, continuation) };
}

function lexerDefinition(
  keywords: Vocabulary["keywords"],
  types: Vocabulary["types"],
  continuation: TokenType,
): IMultiModeLexerDefinition {
  const blank = createToken({
    name: "Blank",
    pattern: /[ \t\v\f\r]+/,
    group: Lexer.SKIPPED,
  });
  const blankLines = createToken({
    name: "BlankLines",
    pattern: /[ \t\v\f\r\n\uFEFF]+/,
    line_breaks: true,
    group: Lexer.SKIPPED,
  });
  const comment = createToken({
    name: "Comment",
    pattern: /#[^\n]*/,
    group: "comments",
  });
  const { HeredocBodies, EndOfLine, Flag, FlagsEnd, JsonArray, Word, Text } = types;
  const start = [blank, HeredocBodies, EndOfLine, continuation, Flag, FlagsEnd];
  const modes: Record<Mode, TokenType[]> = {
    line: [blankLines, comment, continuation, types.BareOnbuild, ...Object.values(keywords), types.Unknown],
    command: [...start, JsonArray, types.CommandText],
    plain: [...start, Word],
    list: [...start, JsonArray, Word],
    text: [...start, Text],
    assignments: [...start, types.LegacyAssignment, types.Assignment],
    environment: [...start, types.OutputName, types.LegacyAssignment, types.Assignment],
    use: [...start, types.MixinName, types.Assignment],
    from: [...start, types.As, Word],
    copy: [...start, JsonArray, types.HeredocMarker, Word],
    healthcheck: [...start, types.HealthcheckCommand, types.HealthcheckNone, Text],
  };
  return { defaultMode: "line", modes };
}

function asRegExpMatch(match: Match | null, text: string, offset: number): CustomPatternMatcherReturn | null {
  if (match === null) return null;
  const result: CustomPatternMatcherReturn = [text.slice(offset, match.end)];
  if (match.payload !== undefined) result.payload = match.payload;
  return result;
}
