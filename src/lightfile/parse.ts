import { type IToken, Lexer, type TokenType } from "chevrotain";
import type { Diagnosed } from "../diagnostics/diagnostic.ts";
import type { SourceFile } from "../diagnostics/source-file.ts";
import type { Comment, LightfileTree } from "./ast.ts";
import { checkStructure } from "./check-structure.ts";
import { checkText } from "./check-text.ts";
import { readDirectives } from "./directives.ts";
import { LightfileGrammar } from "./grammar.ts";
import { joinContinuations } from "./joined-text.ts";
import { readInstruction } from "./read-instruction.ts";
import { Reporter } from "./reporter.ts";
import { type Escape, trimmedEnd } from "./scan.ts";
import { reportSyntaxErrors } from "./syntax-errors.ts";
import { beginsInstruction } from "./token-patterns.ts";
import { rangeOf } from "./token-words.ts";
import { createVocabulary, type Vocabulary } from "./tokens.ts";
import { reportTrailingComments } from "./trailing-comments.ts";

interface Dialect {
  readonly vocabulary: Vocabulary;
  readonly lexer: Lexer;
  /** With rules for what was read so far. */
  grammar: LightfileGrammar | null;
  readonly beginnings: Set<TokenType>;
}

const dialects = new Map<Escape, Dialect>();

/** Made when first needed: building a parser takes longer than parsing an ordinary file. */
function dialectFor(escapeChar: Escape): Dialect {
  const known = dialects.get(escapeChar);
  if (known !== undefined) return known;
  const vocabulary = createVocabulary(escapeChar);
  const dialect: Dialect = {
    vocabulary,
    lexer: new Lexer(vocabulary.definition, {
      positionTracking: "onlyOffset",
      skipValidations: true,
      // Without a table of the patterns by their first character, which takes longer than to try them all.
      safeMode: true,
      recoveryEnabled: true,
    }),
    grammar: null,
    // So that there is a rule at all, even for a file without an instruction.
    beginnings: new Set([vocabulary.keywords.FROM]),
  };
  dialects.set(escapeChar, dialect);
  return dialect;
}

/** Made anew when the text has an instruction that no text before had. */
function grammarFor(dialect: Dialect, tokens: readonly IToken[]): LightfileGrammar {
  const { vocabulary, beginnings } = dialect;
  const sizeBefore = beginnings.size;
  for (const { tokenType } of tokens) if (beginsInstruction(tokenType.name)) beginnings.add(tokenType);
  if (dialect.grammar === null || beginnings.size > sizeBefore) {
    dialect.grammar = new LightfileGrammar(vocabulary, { validate: false, beginnings });
  }
  return dialect.grammar;
}

/**
 * Reads a Lightfile. Never throws, whatever the text; all mistakes are in the diagnostics, in the order of the text.
 * Nothing is expanded and nothing outside the text is looked at. Takes time in proportion to the text's length.
 */
export function parseLightfile(source: SourceFile): Diagnosed<LightfileTree> {
  const reporter = new Reporter(source);
  if (!checkText(source.text, reporter)) {
    const tree = { source, directives: [], comments: [], instructions: [], escape: "\\" as const };
    return { value: tree, diagnostics: reporter.diagnostics() };
  }
  // Every instruction ends with a line feed, the last one too.
  const text = source.text.endsWith("\n") ? source.text : `${source.text}\n`;
  const zone = readDirectives(text, reporter);
  const dialect = dialectFor(zone.escape);
  const { tokens, groups } = dialect.lexer.tokenize(text);
  const context = { text, sourceLength: source.text.length, escape: zone.escape, reporter };
  const parsed = grammarFor(dialect, tokens).parse(tokens);
  reportSyntaxErrors(parsed, context);
  const instructions = parsed.instructions.map((instruction) => readInstruction(instruction, context));
  const comments = [
    ...(groups.comments ?? [])
      .filter((token) => token.startOffset >= zone.end)
      .map((token) =>
        commentAt(text, token.startOffset, trimmedEnd(text, token.startOffset, rangeOf(token).end)),
      ),
    ...readContinuations([...tokens, ...(groups.continuations ?? [])], context),
  ].sort((a, b) => a.range.start - b.range.start);
  reportTrailingComments(instructions, { text, escape: zone.escape, reporter });
  if (instructions.length === 0) reportNoInstruction(source, reporter);
  checkStructure(instructions, reporter);
  const tree = { source, directives: zone.directives, comments, instructions, escape: zone.escape };
  return { value: tree, diagnostics: reporter.diagnostics() };
}

function commentAt(text: string, start: number, end: number): Comment {
  return { text: text.slice(start + 1, end), range: { start, end } };
}

/** The comments between continued lines; warns of blank lines there. */
function readContinuations(
  tokens: readonly IToken[],
  context: { readonly text: string; readonly escape: Escape; readonly reporter: Reporter },
): readonly Comment[] {
  const { text, reporter } = context;
  const comments: Comment[] = [];
  for (const token of tokens) {
    if (token.tokenType.name === "HeredocBodies" || !token.image.includes("\n") || token.image.length === 1)
      continue;
    let warned = false;
    joinContinuations(text, rangeOf(token), context.escape, {
      comment: (start, end) => comments.push(commentAt(text, start, end)),
      blankLine: (start, end) => {
        if (warned || start >= reporter.source.text.length) return;
        warned = true;
        reporter.warning({
          code: "NoEmptyContinuation",
          range: { start, end },
          message: "a blank line inside a continued instruction",
          hint: "remove it, or make it a comment line",
        });
      },
    });
  }
  return comments;
}

function reportNoInstruction(source: SourceFile, reporter: Reporter): void {
  reporter.error({
    code: "EmptyFile",
    range: { start: 0, end: source.text.length },
    message: source.text.trim() === "" ? "the file is empty" : "the file has no instruction",
    hint: "a Lightfile starts with FROM and the image to start from",
  });
}
