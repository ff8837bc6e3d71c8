import type { Diagnosed, Diagnostic, Severity } from "../diagnostics/diagnostic.ts";
import { type Position, positionAt, type Range, type SourceFile } from "../diagnostics/source-file.ts";
import { unreachable } from "../diagnostics/unreachable.ts";
import { applyChecks } from "./apply-checks.ts";
import type { Command, Instruction, LightfileTree, NamedValue, Word } from "./ast.ts";

import { plainWordsIn } from "./plain-words.ts";
import type { TokenText } from "./token-words.ts";

/**
 * What a Lightfile says, as plain data for other tools: what `lightbox parse` prints. grammar/lightfile.schema.json is
 * its JSON schema, docs/syntax-tree.md its description.
 */
export interface LightfileDocument {
  readonly directives: readonly DocumentDirective[];
  readonly instructions: readonly DocumentInstruction[];
  readonly diagnostics: readonly DocumentDiagnostic[];
}

/** The end is the position right behind the last character. */
export interface DocumentRange {
  readonly start: Position;
  readonly end: Position;
}

export interface DocumentDirective {
  /** In lower case. */
  readonly name: string;
  readonly value: string;
  readonly range: DocumentRange;
}

export interface DocumentFlag {
  /** Without `--`. */
  readonly name: string;
  /** Without quotes; null for a bare `--name`. */
  readonly value: string | null;
}

export interface DocumentHeredoc {
  readonly delimiter: string;
  readonly body: string;
  readonly expand: boolean;
  readonly stripTabs: boolean;
}

export interface DocumentInstruction {
  /** In capitals. */
  readonly keyword: string;
  readonly flags: readonly DocumentFlag[];
  readonly args: readonly string[];
  readonly form: "shell" | "json";
  readonly heredocs: readonly DocumentHeredoc[];
  readonly range: DocumentRange;
}

export interface DocumentDiagnostic {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly range: DocumentRange;
  readonly hint: string | null;
}

/** Mistakes that leave words of an instruction out of the tree. */
const losesWords: ReadonlySet<string> = new Set(["InvalidAssignment", "JsonNotStrings"]);

function instructionsWithLostWords(
  { instructions }: LightfileTree,
  diagnostics: readonly Diagnostic[],
): ReadonlySet<Instruction> {
  const found = new Set<Instruction>();
  let at = 0;
  // Both are in the order of the text.
  for (const { code, range } of diagnostics) {
    if (!losesWords.has(code)) continue;
    while ((instructions[at + 1]?.range.start ?? Infinity) <= range.start) at++;
    const instruction = instructions[at];
    if (instruction !== undefined) found.add(instruction);
  }
  return found;
}

/** The plain data of a parsed Lightfile. Warnings that its `check` directive skips are left out. */
export function documentOf({ value: tree, diagnostics }: Diagnosed<LightfileTree>): LightfileDocument {
  const { source } = tree;
  // Reading words needs a line feed behind them.
  const text = source.text.endsWith("\n") ? source.text : `${source.text}\n`;
  const tokenText = { text, escape: tree.escape };
  const cut = instructionsWithLostWords(tree, diagnostics);
  return {
    directives: tree.directives.map(({ name, value, range }) => ({
      name: name.text.toLowerCase(),
      value: value.text,
      range: rangeIn(source, range),
    })),
    instructions: tree.instructions.map((instruction) => ({
      ...instructionIn(instruction, tokenText),
      ...(cut.has(instruction) ? allWords(instruction, tokenText) : {}),
      range: rangeIn(source, instruction.range),
    })),
    diagnostics: applyChecks(tree.directives, diagnostics).map((diagnostic) =>
      diagnosticIn(source, diagnostic),
    ),
  };
}

function rangeIn(source: SourceFile, { start, end }: Range): DocumentRange {
  return { start: positionAt(source, start), end: positionAt(source, end) };
}

function diagnosticIn(source: SourceFile, diagnostic: Diagnostic): DocumentDiagnostic {
  const { code, severity, message, range, hint } = diagnostic;
  return { code, severity, message, range: rangeIn(source, range), hint: hint ?? null };
}

function instructionIn(instruction: Instruction, text: TokenText): Omit<DocumentInstruction, "range"> {
  const { keyword, flags, heredocs } = instruction;
  return {
    keyword: keyword.text.toUpperCase(),
    flags: flags.map(({ name, value }) => ({ name: name.text, value: value?.text ?? null })),
    args: argumentsOf(instruction, text),
    form: isJson(instruction) ? "json" : "shell",
    heredocs: heredocs.map(({ delimiter, body, expand, stripTabs }) => ({
      delimiter: delimiter.text,
      body,
      expand,
      stripTabs,
    })),
  };
}

function argumentsOf(instruction: Instruction, text: TokenText): readonly string[] {
  switch (instruction.kind) {
    case "from":
    case "import":
    case "snapshot":
    case "mixin":
      // Words that are too many are no part of the tree.
      return plainArguments(instruction, text);
    case "arg":
      return instruction.declarations.map(({ name, value }) =>
        value === null ? name.text : `${name.text}=${value.text}`,
      );
    case "env":
    case "label":
      return instruction.pairs.flatMap(({ name, value }) => [name.text, value.text]);
    case "env-from-output":
      return [instruction.name.text, ...commandTexts(instruction.command)];
    case "run":
    case "test":
    case "cmd":
    case "entrypoint":
      return commandTexts(instruction.command);
    case "copy":
    case "add":
      return [...instruction.sources, instruction.destination].map((word) =>
        // The tree has a heredoc's plain name there; here it is as written, with - and quotes.
        isHeredoc(word, instruction) ? text.text.slice(word.range.start, word.range.end) : word.text,
      );
    case "workdir":
      return [instruction.path.text];
    case "user":
      return [instruction.user.text];
    case "shell":
      return texts(instruction.argv);
    case "use":
      return [instruction.mixin.text, ...assignments(instruction.parameters)];
    case "resources":
      return assignments(instruction.settings);
    case "expose":
    case "volume":
    case "stopsignal":
    case "maintainer":
    case "healthcheck":
    case "onbuild":
    case "invalid":
      return texts(instruction.words);
    default:
      return unreachable(instruction);
  }
}

function allWords(instruction: Instruction, text: TokenText): Pick<DocumentInstruction, "args" | "form"> {
  return { args: plainArguments(instruction, text), form: "shell" };
}

function plainArguments({ keyword, flags, range }: Instruction, text: TokenText): readonly string[] {
  return texts(plainWordsIn({ start: flags.at(-1)?.range.end ?? keyword.range.end, end: range.end }, text));
}

function isJson(instruction: Instruction): boolean {
  switch (instruction.kind) {
    case "run":
    case "test":
    case "cmd":
    case "entrypoint":
    case "env-from-output":
      return instruction.command.form === "exec";
    case "shell":
      return true;
    case "copy":
    case "add":
    case "expose":
    case "volume":
    case "stopsignal":
    case "maintainer":
    case "healthcheck":
    case "onbuild":
    case "invalid":
      return instruction.json;
    default:
      return false;
  }
}

function isHeredoc(word: Word, { heredocs }: Instruction): boolean {
  const { start, end } = word.range;
  return heredocs.some(({ delimiter: { range } }) => start <= range.start && range.end <= end);
}

function texts(words: readonly Word[]): readonly string[] {
  return words.map((word) => word.text);
}

function commandTexts(command: Command): readonly string[] {
  return command.form === "exec" ? texts(command.argv) : [command.line.text];
}

function assignments(pairs: readonly NamedValue[]): readonly string[] {
  return pairs.map(({ name, value }) => `${name.text}=${value.text}`);
}
