import type { Range } from "../../diagnostics/source-file.ts";
import { unreachable } from "../../diagnostics/unreachable.ts";
import type { Command, Instruction, NamedValue, Word } from "../ast.ts";
import type { Layout } from "./gap.ts";

/** A part of an instruction that the formatter moves as a whole. */
export type Piece =
  | { readonly kind: "word"; readonly range: Range }
  /** A word of the language, such as the CMD of HEALTHCHECK: written in capitals. */
  | { readonly kind: "keyword"; readonly range: Range }
  /** The rest of a line, for a shell. */
  | { readonly kind: "command"; readonly range: Range }
  /** A JSON array by its strings; empty for `[]`. Where its brackets stand, the text says. */
  | { readonly kind: "array"; readonly elements: readonly Range[] };

/** The parts of an instruction behind its keyword, in the order of the text; words without a node are left out. */
export function piecesOf(instruction: Instruction, layout: Layout): readonly Piece[] {
  const flags = instruction.flags.map(({ range }) => ({ range }));
  return [...words(flags), ...bodyOf(instruction, layout)];
}

function bodyOf(instruction: Instruction, layout: Layout): readonly Piece[] {
  switch (instruction.kind) {
    case "from":
      return [
        ...words([instruction.image]),
        ...(instruction.as === null ? [] : [keyword(instruction.as)]),
        ...(instruction.alias === null ? [] : words([instruction.alias])),
      ];
    case "import":
      return [...words([instruction.reference]), keyword(instruction.as), ...words([instruction.alias])];
    case "arg":
      return instruction.declarations.map(assignment);
    case "env":
    case "label":
      return instruction.legacy
        ? instruction.pairs.flatMap((pair) => legacyAssignment(pair, layout))
        : instruction.pairs.map(assignment);
    case "resources":
      return instruction.settings.map(assignment);
    case "use":
      return [...words([instruction.mixin]), ...instruction.parameters.map(assignment)];
    case "mixin":
    case "snapshot":
      return words([instruction.name]);
    case "run":
    case "test":
    case "cmd":
    case "entrypoint":
      return [commandPiece(instruction.command)];
    case "env-from-output":
      return [...words([instruction.name]), commandPiece(instruction.command)];
    case "healthcheck":
      return [
        ...instruction.words.slice(0, 1).map(keyword),
        ...(instruction.command === null ? [] : [commandPiece(instruction.command)]),
      ];
    case "copy":
    case "add":
      return wordsOrArray([...instruction.sources, instruction.destination], instruction.json, layout);
    case "workdir":
      return [commandLine(instruction.path)];
    case "user":
      return [commandLine(instruction.user)];
    case "shell":
      return [array(instruction.argv)];
    case "expose":
      return words(instruction.words);
    case "volume":
      return wordsOrArray(instruction.words, instruction.json, layout);
    case "stopsignal":
    case "maintainer":
    case "onbuild":
      return instruction.words.map(commandLine);
    case "invalid":
      return words(instruction.words);
    default:
      return unreachable(instruction);
  }
}

function words(nodes: readonly { readonly range: Range }[]): readonly Piece[] {
  return nodes.map(({ range }) => ({ kind: "word", range }));
}

function keyword({ range }: Word): Piece {
  return { kind: "keyword", range };
}

function commandLine({ range }: Word): Piece {
  return { kind: "command", range };
}

function array(strings: readonly Word[]): Piece {
  return { kind: "array", elements: strings.map(({ range }) => range) };
}

function commandPiece(command: Command): Piece {
  return command.form === "exec" ? array(command.argv) : commandLine(command.line);
}

function assignment({ name, value }: { readonly name: Word; readonly value: Word | null }): Piece {
  return { kind: "word", range: { start: name.range.start, end: (value ?? name).range.end } };
}

/** One blank behind an escape character would be part of a name, where several are not. */
function legacyAssignment({ name, value }: NamedValue, layout: Layout): readonly Piece[] {
  if (layout.text[name.range.end - 1] !== layout.escape) return [...words([name]), commandLine(value)];
  return [{ kind: "command", range: { start: name.range.start, end: value.range.end } }];
}

/** Words that look like an array and are none could become one by a change of the blanks between them. */
function wordsOrArray(nodes: readonly Word[], isArray: boolean, layout: Layout): readonly Piece[] {
  if (isArray) return [array(nodes)];
  const start = nodes[0]?.range.start ?? 0;
  const end = nodes.at(-1)?.range.end ?? start;
  return layout.text[start] === "[" ? [{ kind: "command", range: { start, end } }] : words(nodes);
}
