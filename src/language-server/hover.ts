import type { Range } from "../diagnostics/source-file.ts";
import { unreachable } from "../diagnostics/unreachable.ts";
import type { Instruction } from "../lightfile/ast.ts";
import { isInstructionName } from "../lightfile/reserved.ts";
import type { Block } from "./blocks.ts";
import { type KnownFile, localOccurrences, type Neighbours, subjectOf } from "./places.ts";
import { describe, predefinedVariables, type Reference } from "./reference.ts";
import { blockOfSymbol, type Occurrence, occurrenceAt } from "./symbols.ts";
import { variablesAt } from "./variable-places.ts";

export interface Hover {
  readonly range: Range;
  /** Markdown. */
  readonly text: string;
}

/** What there is to say about the word at an offset. */
export function hoverAt(
  file: KnownFile,
  offset: number,
  options: { readonly reference: Reference; readonly neighbours: Neighbours },
): Hover | undefined {
  const { tree } = file.table;
  for (const directive of tree.directives) {
    if (contains(directive.range, offset)) return hoverDirective(directive.name.text, directive.range);
  }
  const occurrence = occurrenceAt(file.table, offset);
  if (occurrence !== undefined) {
    const text = describeOccurrence(file, occurrence, options.neighbours);
    if (text !== undefined) return { range: occurrence.range, text };
  }
  const instruction = instructionAt(tree.instructions, offset);
  if (instruction === undefined) return undefined;
  return (
    hoverInstruction(instruction, offset, options.reference) ?? hoverPredefined(file, instruction, offset)
  );
}

function contains({ start, end }: Range, offset: number): boolean {
  return start <= offset && offset <= end;
}

/** The instruction around an offset; that of ONBUILD when it is in there. */
function instructionAt(instructions: readonly Instruction[], offset: number): Instruction | undefined {
  const found = instructions.find(({ range }) => contains(range, offset));
  if (found?.kind !== "onbuild" || !contains(found.trigger.range, offset)) return found;
  return instructionAt([found.trigger], offset);
}

function hoverInstruction(instruction: Instruction, offset: number, reference: Reference): Hover | undefined {
  const name = instruction.keyword.text.toUpperCase();
  if (!isInstructionName(name)) return undefined;
  if (contains(instruction.keyword.range, offset))
    return { range: instruction.keyword.range, text: describe(reference, name) };
  const flag = instruction.flags.find(({ range }) => contains(range, offset));
  return flag && { range: flag.range, text: describe(reference, name, flag.name.text) };
}

function hoverPredefined(file: KnownFile, instruction: Instruction, offset: number): Hover | undefined {
  const { tree } = file.table;
  const place = variablesAt(tree.source.text, instruction.range, {
    escape: tree.escape,
    quoting: "plain",
  }).find(({ range }) => contains(range, offset));
  if (place === undefined || !predefinedVariables.includes(place.name)) return undefined;
  const text = `\`${place.name}\` is an argument that every Lightfile has; a stage reads it after \`ARG ${place.name}\``;
  return { range: place.range, text };
}

function hoverDirective(name: string, range: Range): Hover | undefined {
  const texts: Readonly<Record<string, string>> = {
    escape:
      "The character that continues a line and takes away the meaning of the next one: `\\` or `` ` ``.",
    check:
      "What lint does with this file: `skip=RuleA,RuleB` or `skip=all`, and `error=true`, with `;` between them.",
    syntax: "Names another builder's frontend. lightbox reads the file itself, so it has no effect.",
  };
  const text = texts[name.toLowerCase()];
  return text === undefined ? undefined : { range, text };
}

function describeOccurrence(
  file: KnownFile,
  occurrence: Occurrence,
  neighbours: Neighbours,
): string | undefined {
  const where = occurrence.place === "elsewhere" ? ` of \`${occurrence.file}\`` : "";
  const subject = subjectOf(file, occurrence, neighbours);
  if (subject === undefined) {
    if (occurrence.place === "here" || occurrence.target.kind !== "file") return undefined;
    const found = neighbours.find(file, occurrence.file);
    return found === undefined
      ? `the Lightfile \`${occurrence.file}\``
      : `the Lightfile \`${occurrence.file}\`${listTargets(found)}`;
  }
  const definitions = localOccurrences(subject).filter((found) => found.isDefinition);
  const [first] = definitions;
  if (first === undefined) return undefined;
  const block = blockOfSymbol(subject.file.table, subject.symbol);
  const comment = commentAbove(subject.file, first.range.start);
  const lines = definitions.slice(0, 5).map(({ range }) => lineAround(subject.file, range.start));
  const code = ["```lightfile", ...lines, "```"].join("\n");
  const parts = [`${titleOf(first.kind)} \`${first.name}\`${where}`, code];
  if (comment !== null) parts.push(comment);
  if (first.kind === "mixin" && block !== undefined) parts.push(...describeParameters(subject.file, block));
  return parts.join("\n\n");
}

function titleOf(kind: "stage" | "variable" | "mixin" | "import"): string {
  switch (kind) {
    case "stage":
    case "variable":
    case "mixin":
      return kind;
    case "import":
      return "imported Lightfile";
    default:
      return unreachable(kind);
  }
}

function describeParameters(file: KnownFile, block: Block): readonly string[] {
  const names = file.table.variables.argumentsOf(block.index);
  return names.length === 0 ? [] : [`takes ${names.map((name) => `\`${name}=\``).join(", ")}`];
}

function listTargets(file: KnownFile): string {
  const names = file.table.blocks.flatMap(({ head }) => {
    if (head === null) return [];
    return head.kind === "from" ? (head.alias?.text ?? []) : head.name.text;
  });
  return names.length === 0 ? "" : ` has ${names.map((name) => `\`#${name}\``).join(", ")}`;
}

/** The first line of the instruction at an offset, as written. */
function lineAround(file: KnownFile, offset: number): string {
  const { text } = file.table.tree.source;
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  const end = text.indexOf("\n", offset);
  return text
    .slice(start, end === -1 ? text.length : end)
    .trim()
    .slice(0, 200);
}

/** The comment lines right above a line: for ARG and FROM that is the description. */
function commentAbove(file: KnownFile, offset: number): string | null {
  const lines = file.table.tree.source.text.slice(0, offset).split("\n").slice(0, -1);
  const found: string[] = [];
  for (const line of lines.toReversed()) {
    const text = /^\s*#(?!\s*(?:escape|check|syntax)\s*=)\s?(.*)$/i.exec(line)?.[1];
    if (text === undefined) break;
    found.unshift(text.trim());
  }
  return found.length === 0 ? null : found.join("\n");
}
