import type { Range } from "../diagnostics/source-file.ts";
import type { Instruction, LightfileTree } from "../lightfile/ast.ts";
import { symbolsOf } from "./read-symbols.ts";
import { commandOf, variableUses } from "./variable-uses.ts";

/** What a piece of text is, for colours. Editors know these names. */
export const highlightTypes = [
  "keyword",
  "property",
  "comment",
  "macro",
  "variable",
  "type",
  "function",
  "namespace",
  "string",
  "operator",
] as const;

export type HighlightType = (typeof highlightTypes)[number];

export interface Highlight {
  readonly range: Range;
  readonly type: HighlightType;
  readonly isDeclaration: boolean;
}

/** What the pieces of a Lightfile are, in the order of the text, without overlaps. A piece may span lines. */
export function highlightsOf(tree: LightfileTree): readonly Highlight[] {
  const found: Highlight[] = [];
  const add = (range: Range, type: HighlightType, isDeclaration = false): void => {
    if (range.end > range.start) found.push({ range, type, isDeclaration });
  };
  for (const { range } of tree.directives) add(range, "macro");
  for (const { range } of tree.comments) add(range, "comment");
  for (const instruction of tree.instructions) addInstruction(instruction, tree, add);
  for (const occurrence of symbolsOf(tree).occurrences) {
    if (occurrence.place === "elsewhere") {
      const types = {
        file: "string",
        stage: "type",
        mixin: "function",
        argument: "variable",
        parameter: "variable",
      } as const;
      add(occurrence.range, types[occurrence.target.kind]);
    } else {
      const types = { stage: "type", mixin: "function", import: "namespace", variable: "variable" } as const;
      add(occurrence.range, types[occurrence.kind], occurrence.isDefinition);
    }
  }
  return withoutOverlaps(found);
}

type Add = (range: Range, type: HighlightType, isDeclaration?: boolean) => void;

function addInstruction(instruction: Instruction, tree: LightfileTree, add: Add): void {
  if (instruction.kind !== "invalid") add(instruction.keyword.range, "keyword");
  for (const { name, range } of instruction.flags)
    add({ start: range.start, end: name.range.end }, "property");
  for (const { delimiter } of instruction.heredocs) add(delimiter.range, "operator");
  const separator = separatorOf(instruction, tree);
  if (separator !== null) add(separator, "keyword");
  for (const range of stringsIn(instruction)) add(range, "string");
  for (const { range, isDefinition, byShell } of variableUses(instruction, tree)) {
    if (!byShell) add(range, "variable", isDefinition);
  }
  if (instruction.kind === "onbuild") addInstruction(instruction.trigger, tree, add);
}

/** The AS of FROM and IMPORT, the CMD or NONE of HEALTHCHECK. */
function separatorOf(instruction: Instruction, tree: LightfileTree): Range | null {
  if (instruction.kind === "healthcheck") return instruction.words[0]?.range ?? null;
  const before =
    instruction.kind === "from"
      ? instruction.image
      : instruction.kind === "import"
        ? instruction.reference
        : null;
  const alias = instruction.kind === "from" || instruction.kind === "import" ? instruction.alias : null;
  if (before === null || alias === null) return null;
  const between = tree.source.text.slice(before.range.end, alias.range.start);
  const match = /(?<=\s)AS(?=[\s\\`])/i.exec(between);
  if (match === null) return null;
  const start = before.range.end + match.index;
  return { start, end: start + 2 };
}

/** The strings of JSON forms. */
function stringsIn(instruction: Instruction): readonly Range[] {
  const command = commandOf(instruction);
  if (command?.form === "exec") return command.argv.map(({ range }) => range);
  if (instruction.kind === "shell") return instruction.argv.map(({ range }) => range);
  if (instruction.kind === "volume" && instruction.json) return instruction.words.map(({ range }) => range);
  return [];
}

/** Of two pieces that overlap, the shorter one says more; what is left of the longer one is kept. */
function withoutOverlaps(found: readonly Highlight[]): readonly Highlight[] {
  const inOrder = found.toSorted(
    (a, b) =>
      a.range.start - b.range.start ||
      a.range.end - b.range.end ||
      Number(b.isDeclaration) - Number(a.isDeclaration),
  );
  const kept: Highlight[] = [];
  for (const next of inOrder) {
    const last = kept.at(-1);
    if (last === undefined || last.range.end <= next.range.start) {
      kept.push(next);
      continue;
    }
    if (last.range.start === next.range.start || last.range.end < next.range.end) continue;
    kept.pop();
    kept.push({ ...last, range: { start: last.range.start, end: next.range.start } }, next);
    if (next.range.end < last.range.end)
      kept.push({ ...last, range: { start: next.range.end, end: last.range.end } });
  }
  return kept;
}
