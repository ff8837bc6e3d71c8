import type { Range } from "../diagnostics/source-file.ts";
import { positionAt } from "../diagnostics/source-file.ts";
import type { Instruction, LightfileTree } from "../lightfile/ast.ts";
import { blocksOf } from "./blocks.ts";

/** 1-based lines that fold together; the first one stays visible. */
export interface Fold {
  readonly firstLine: number;
  readonly lastLine: number;
  readonly kind: "region" | "comment";
}

/** Stages, mixins, instructions and heredocs of several lines, and comment blocks. */
export function foldsOf(tree: LightfileTree): readonly Fold[] {
  const folds = new Map<string, Fold>();
  const add = (range: Range, kind: Fold["kind"] = "region"): void => {
    const firstLine = positionAt(tree.source, range.start).line;
    const lastLine = positionAt(tree.source, range.end).line;
    if (lastLine > firstLine) folds.set(`${firstLine}:${lastLine}`, { firstLine, lastLine, kind });
  };
  for (const { head, instructions } of blocksOf(tree)) {
    if (head !== null)
      add({ start: head.range.start, end: instructions.at(-1)?.range.end ?? head.range.end });
    for (const instruction of instructions) addInstruction(instruction, add);
  }
  for (const range of commentBlocks(tree)) add(range, "comment");
  return [...folds.values()].toSorted((a, b) => a.firstLine - b.firstLine || b.lastLine - a.lastLine);
}

function addInstruction(instruction: Instruction, add: (range: Range) => void): void {
  add(instruction.range);
  if (instruction.heredocs.length < 2) return;
  // The line above the body holds the marker, or ends the heredoc before.
  for (const { bodyRange } of instruction.heredocs) add({ start: bodyRange.start - 1, end: bodyRange.end });
}

/** Comments on lines that follow each other. */
function commentBlocks(tree: LightfileTree): readonly Range[] {
  const blocks: Range[] = [];
  for (const { range } of tree.comments) {
    const last = blocks.at(-1);
    const between = last === undefined ? "" : tree.source.text.slice(last.end, range.start);
    if (last !== undefined && /^[ \t\r]*\n[ \t]*$/.test(between)) {
      blocks[blocks.length - 1] = { start: last.start, end: range.end };
    } else blocks.push(range);
  }
  return blocks;
}
