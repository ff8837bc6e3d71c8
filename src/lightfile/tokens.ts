import {
  type CustomPatternMatcherReturn,
  createToken,
  type IMultiModeLexerDefinition,
  type IToken,
  Lexer,
  type TokenType,
} from "chevrotain";
import {
  type HeredocBodies,
  type HeredocMarker,
  heredocMarkerAt,
  heredocMarkersIn,
  readHeredocBodies,
} from "./heredoc.ts";
import { joinContinuations } from "./joined-text.ts";
import { type JsonArray, readJsonArray } from "./json-array.ts";
import { type InstructionName, instructions } from "./reserved.ts";
import { continuationEnd, type Escape, scanLine, scanPlainWord, scanQuotedWord } from "./scan.ts";

/** What the lexer found out about a token and the parser must not find out again. */
export type TokenPayload =
  | { readonly kind: "json"; readonly array: JsonArray }
  | { readonly kind: "heredoc-markers"; readonly markers: readonly HeredocMarker[] }
  | { readonly kind: "heredoc-bodies"; readonly bodies: HeredocBodies }
  | { readonly kind: "open-quote"; readonly offset: number };

type Mode = "line" | "command" | "plain" | "list" | "text" | "assignments" | "from" | "copy" | "healthcheck";

/**
 * The token types of one dialect: they differ by the escape character only. Tokens are whole words or whole lines;
 * the tail of a line is read according to the instruction that it belongs to.
 */
export interface Vocabulary {
  readonly escape: Escape;
  readonly keywords: Readonly<Record<InstructionName, TokenType>>;
  /** ONBUILD with nothing behind it. */
  readonly bareOnbuild: TokenType;
  readonly unknown: TokenType;
  readonly flag: TokenType;
  readonly flagsEnd: TokenType;
  /** Either of the two forms of a command. */
  readonly command: TokenType;
  readonly jsonArray: TokenType;
  readonly commandText: TokenType;
  /** A word, a heredoc marker or a whole JSON array. */
  readonly argument: TokenType;
  readonly word: TokenType;
  readonly heredocMarker: TokenType;
  readonly text: TokenType;
  readonly assignment: TokenType;
  /** `name all the rest`, the old form of ENV and LABEL. */
  readonly legacyAssignment: TokenType;
  readonly as: TokenType;
  readonly healthcheckCommand: TokenType;
  readonly healthcheckNone: TokenType;
  readonly heredocBodies: TokenType;
  readonly endOfLine: TokenType;
  readonly definition: IMultiModeLexerDefinition;
}

const modeOfInstruction: Readonly<Record<Exclude<InstructionName, "ONBUILD">, Mode>> = {
  ADD: "copy",
  ARG: "assignments",
  CMD: "command",
  COPY: "copy",
  ENTRYPOINT: "command",
  ENV: "assignments",
  EXPOSE: "plain",
  FROM: "from",
  HEALTHCHECK: "healthcheck",
  LABEL: "assignments",
  MAINTAINER: "text",
  RESOURCES: "assignments",
  RUN: "command",
  SHELL: "command",
  SNAPSHOT: "plain",
  STOPSIGNAL: "text",
  USER: "text",
  VOLUME: "list",
  WORKDIR: "text",
};

/** How far the end of a heredoc may be that stands behind a misspelt instruction. */
const guessedHeredocLines = 200;

type Scan = (text: string, offset: number, tokens: readonly IToken[]) => Match | null;
interface Match {
  readonly end: number;
  readonly payload?: TokenPayload;
}

function pattern(scan: Scan): {
  exec: (text: string, offset: number, tokens: IToken[]) => CustomPatternMatcherReturn | null;
} {
  return {
    exec(text, offset, tokens) {
      const match = scan(text, offset, tokens);
      if (match === null) return null;
      const result: CustomPatternMatcherReturn = [text.slice(offset, match.end)];
      if (match.payload !== undefined) result.payload = match.payload;
      return result;
    },
  };
}

export function createVocabulary(escapeChar: Escape): Vocabulary {
  const escapeInClass = escapeChar === "\\" ? "\\\\" : "`";
  const wordEnd = `(?=[\\s${escapeInClass}])`;
  const keyword = createToken({ name: "Keyword", pattern: Lexer.NA });
  const unknown = createToken({
    name: "Unknown",
    pattern: new RegExp(`[\\x21-\\x7e\\x80-\\uffff][^\\s${escapeInClass}]*`),
    push_mode: "command",
    categories: keyword,
  });
  const keywordToken = (name: InstructionName, mode: Mode | null): TokenType =>
    createToken({
      name,
      pattern: new RegExp(`${name}${wordEnd}`, "i"),
      categories: keyword,
      ...(mode === null ? {} : { push_mode: mode }),
    });
  const keywords = {} as Record<InstructionName, TokenType>; // filled for every name right below
  for (const name of Object.keys(instructions) as InstructionName[]) {
    keywords[name] = keywordToken(name, name === "ONBUILD" ? null : modeOfInstruction[name]);
  }
  const bareOnbuild = createToken({
    name: "BareOnbuild",
    pattern: /ONBUILD(?=[ \t\v\f\r]*(?:\n|[ \t]#))/i,
    categories: keyword,
    push_mode: "text",
  });

  const blank = createToken({ name: "Blank", pattern: /[ \t\v\f\r]+/, group: Lexer.SKIPPED });
  const blankLines = createToken({
    name: "BlankLines",
    pattern: /[ \t\v\f\r\n\uFEFF]+/,
    group: Lexer.SKIPPED,
  });
  const comment = createToken({ name: "Comment", pattern: /#[^\n]*/, group: "comments" });
  const custom = (name: string, scan: Scan, rest: object = {}): TokenType =>
    createToken({ name, pattern: pattern(scan), line_breaks: true, ...rest });

  const continuation = custom(
    "Continuation",
    (text, offset) => {
      if (text[offset] !== escapeChar) return null;
      const end = continuationEnd(text, offset, escapeChar);
      return end === -1 ? null : { end };
    },
    { group: "continuations", start_chars_hint: [escapeChar] },
  );
  const lastIs = (tokens: readonly IToken[], ...types: readonly TokenType[]): boolean => {
    const last = tokens.at(-1);
    if (last === undefined) return false;
    return types.some(
      (type) => last.tokenType === type || last.tokenType.CATEGORIES?.includes(type) === true,
    );
  };

  const flag = custom("Flag", (text, offset, tokens) => {
    if (!text.startsWith("--", offset) || !lastIs(tokens, keyword, flag)) return null;
    const { end, openQuote } = scanQuotedWord(text, offset, escapeChar, true);
    if (end === offset + 2) return null;
    return openQuote === -1 ? { end } : { end, payload: { kind: "open-quote", offset: openQuote } };
  });
  const flagsEnd: TokenType = custom("FlagsEnd", (text, offset, tokens) => {
    if (!text.startsWith("--", offset) || !lastIs(tokens, keyword, flag)) return null;
    return scanPlainWord(text, offset, escapeChar) === offset + 2 ? { end: offset + 2 } : null;
  });

  const command = createToken({ name: "Command", pattern: Lexer.NA });
  const argument = createToken({ name: "Argument", pattern: Lexer.NA });
  const healthcheckCommand = createToken({
    name: "HealthcheckCommand",
    pattern: new RegExp(`CMD${wordEnd}`, "i"),
    pop_mode: true,
    push_mode: "command",
  });
  const jsonArray = custom(
    "JsonArray",
    (text, offset, tokens) => {
      if (text[offset] !== "[" || !lastIs(tokens, keyword, flag, flagsEnd, healthcheckCommand)) return null;
      const end = scanLine(text, offset, escapeChar);
      const array = readJsonArray(joinContinuations(text, { start: offset, end }, escapeChar));
      return array === null ? null : { end, payload: { kind: "json", array } };
    },
    { categories: [command, argument] },
  );
  const commandText = custom(
    "CommandText",
    (text, offset, tokens) => {
      const end = scanLine(text, offset, escapeChar);
      if (end === offset) return null;
      const markers = mayHaveHeredocs(tokens)
        ? heredocMarkersIn(text, { start: offset, end }, escapeChar)
        : [];
      return markers.length === 0 ? { end } : { end, payload: { kind: "heredoc-markers", markers } };
    },
    { categories: command },
  );
  const mayHaveHeredocs = (tokens: readonly IToken[]): boolean => {
    let at = tokens.length - 1;
    while (tokens[at]?.tokenType === flag || tokens[at]?.tokenType === flagsEnd) at--;
    const type = tokens[at]?.tokenType;
    return type === keywords.RUN || type === unknown;
  };
  const text = custom("Text", (source, offset) => {
    const end = scanLine(source, offset, escapeChar);
    return end === offset ? null : { end };
  });
  const word = custom(
    "Word",
    (source, offset) => {
      const end = scanPlainWord(source, offset, escapeChar);
      return end === offset ? null : { end };
    },
    { categories: argument },
  );
  const as = createToken({ name: "As", pattern: new RegExp(`as${wordEnd}`, "i") });
  const heredocMarker = custom(
    "HeredocMarker",
    (source, offset) => {
      const marker = heredocMarkerAt(source, offset, escapeChar);
      if (marker === null) return null;
      return { end: marker.end, payload: { kind: "heredoc-markers", markers: [marker] } };
    },
    { categories: argument },
  );

  const assignment = custom("Assignment", (source, offset) => {
    const { end, openQuote } = scanQuotedWord(source, offset, escapeChar, false);
    if (end === offset) return null;
    return openQuote === -1 ? { end } : { end, payload: { kind: "open-quote", offset: openQuote } };
  });
  const legacyAssignment = custom(
    "LegacyAssignment",
    (source, offset, tokens) => {
      if (!isFirstArgument(tokens)) return null;
      const first = scanQuotedWord(source, offset, escapeChar, false).end;
      if (source.slice(offset, first).includes("=")) return null;
      const end = scanLine(source, offset, escapeChar);
      return end === offset ? null : { end };
    },
    { categories: assignment },
  );
  const isFirstArgument = (tokens: readonly IToken[]): boolean => {
    let at = tokens.length - 1;
    while (tokens[at]?.tokenType === flag || tokens[at]?.tokenType === flagsEnd) at--;
    const type = tokens[at]?.tokenType;
    return type === keywords.ENV || type === keywords.LABEL;
  };
  const healthcheckNone = createToken({
    name: "HealthcheckNone",
    pattern: new RegExp(`NONE${wordEnd}`, "i"),
  });

  const heredocBodies = custom(
    "HeredocBodies",
    (source, offset, tokens) => {
      if (source[offset] !== "\n") return null;
      const markers = pendingMarkers(tokens);
      if (markers.length === 0) return null;
      // What looks like a heredoc behind a misspelt instruction must not swallow the rest of the file.
      const known = lastIsKnown(tokens);
      const bodies = readHeredocBodies(source, offset, markers, known ? Infinity : guessedHeredocLines);
      if (bodies.unterminated !== null && !known) return null;
      return bodies.end === offset ? null : { end: bodies.end, payload: { kind: "heredoc-bodies", bodies } };
    },
    { start_chars_hint: ["\n"] },
  );
  const pendingMarkers = (tokens: readonly IToken[]): readonly HeredocMarker[] => {
    const groups: (readonly HeredocMarker[])[] = [];
    for (let at = tokens.length - 1; at >= 0; at--) {
      const token = tokens[at];
      if (token === undefined || lastIs([token], keyword, heredocBodies)) break;
      const payload = payloadOf(token);
      if (payload?.kind === "heredoc-markers") groups.push(payload.markers);
    }
    return groups.reverse().flat();
  };
  const lastIsKnown = (tokens: readonly IToken[]): boolean => {
    let at = tokens.length - 1;
    while (at >= 0 && tokens[at]?.tokenType.CATEGORIES?.includes(keyword) !== true) at--;
    return tokens[at]?.tokenType !== unknown;
  };
  const endOfLine = createToken({ name: "EndOfLine", pattern: "\n", pop_mode: true, line_breaks: true });

  const start = [blank, heredocBodies, endOfLine, continuation, flag, flagsEnd];
  return {
    escape: escapeChar,
    keywords,
    bareOnbuild,
    unknown,
    flag,
    flagsEnd,
    command,
    jsonArray,
    commandText,
    argument,
    word,
    heredocMarker,
    text,
    assignment,
    legacyAssignment,
    as,
    healthcheckCommand,
    healthcheckNone,
    heredocBodies,
    endOfLine,
    definition: {
      defaultMode: "line",
      modes: {
        line: [blankLines, comment, continuation, bareOnbuild, ...Object.values(keywords), unknown],
        command: [...start, jsonArray, commandText],
        plain: [...start, word],
        list: [...start, jsonArray, word],
        text: [...start, text],
        assignments: [...start, legacyAssignment, assignment],
        from: [...start, as, word],
        copy: [...start, jsonArray, heredocMarker, word],
        healthcheck: [...start, healthcheckCommand, healthcheckNone, text],
      } satisfies Record<Mode, TokenType[]>,
    },
  };
}

export function payloadOf(token: IToken): TokenPayload | undefined {
  return token.payload as TokenPayload | undefined; // chevrotain types it as any; only this file's patterns set it
}
