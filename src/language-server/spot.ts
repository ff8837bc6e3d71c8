import type { Heredoc, Instruction, LightfileTree } from "../lightfile/ast.ts";
import { joinContinuations } from "../lightfile/joined-text.ts";
import { type InstructionName, isInstructionName } from "../lightfile/reserved.ts";

/**
 * What is being written at an offset. It is read from the text before the offset rather than from the tree, since what
 * is half written is mostly malformed.
 */
export type Spot =
  /** The text from the `#` to the offset. */
  | { readonly kind: "comment"; readonly text: string; readonly start: number }
  | { readonly kind: "heredoc"; readonly instruction: Instruction; readonly heredoc: Heredoc }
  | { readonly kind: "keyword"; readonly start: number; readonly afterOnbuild: boolean }
  | ArgumentsSpot;

export interface ArgumentsSpot {
  readonly kind: "arguments";
  readonly name: InstructionName;
  /** The flags and words before the one at the offset, cut at white space. */
  readonly words: readonly string[];
  /** What is written of the word at the offset; empty between words. */
  readonly word: string;
  readonly wordStart: number;
  /** False once a word that is no flag came. */
  readonly mayBeFlag: boolean;
}

export function spotAt(tree: LightfileTree, offset: number): Spot | null {
  const { text } = tree.source;
  for (const instruction of tree.instructions) {
    for (const heredoc of instruction.heredocs) {
      if (heredoc.bodyRange.start <= offset && offset < heredoc.bodyRange.end)
        return { kind: "heredoc", instruction, heredoc };
    }
  }
  const lineStart = startOfLine(text, offset);
  const line = text.slice(lineStart, offset);
  const comment = /^\s*#/.exec(line);
  if (comment !== null) {
    const start = lineStart + comment[0].length - 1;
    return { kind: "comment", text: text.slice(start, offset), start };
  }
  const start = startOfInstruction(text, lineStart, tree.escape);
  return spotInLine(tree, start, offset);
}

function spotInLine(tree: LightfileTree, start: number, offset: number): Spot | null {
  // The line feed keeps an escape character at the offset from being taken for a continuation at the end of the file.
  const joined = joinContinuations(
    `${tree.source.text.slice(0, offset)} \n`,
    { start, end: offset },
    tree.escape,
  );
  const pieces = [...joined.text.matchAll(/\S+/g)].map((match) => ({ text: match[0], at: match.index }));
  const isBetween = pieces.length === 0 || /\s$/.test(joined.text);
  const current = isBetween ? { text: "", at: joined.text.length } : pieces.pop();
  if (current === undefined) return null;
  const wordStart = isBetween ? offset : joined.sourceOffset(current.at);
  let [keyword, ...before] = pieces;
  let afterOnbuild = false;
  while (keyword?.text.toUpperCase() === "ONBUILD") {
    afterOnbuild = true;
    [keyword, ...before] = before;
  }
  if (keyword === undefined) return { kind: "keyword", start: wordStart, afterOnbuild };
  const name = keyword.text.toUpperCase();
  if (!isInstructionName(name)) return null;
  const words = before.map((piece) => piece.text);
  const mayBeFlag = words.every((word) => word.startsWith("--") && word !== "--");
  return { kind: "arguments", name, words, word: current.text, wordStart, mayBeFlag };
}

function startOfLine(text: string, offset: number): number {
  return offset === 0 ? 0 : text.lastIndexOf("\n", offset - 1) + 1;
}

/** Goes back over the lines that the one at `lineStart` continues. */
function startOfInstruction(text: string, lineStart: number, escapeChar: string): number {
  let start = lineStart;
  let at = lineStart;
  while (at > 0) {
    const previous = startOfLine(text, at - 1);
    const line = text.slice(previous, at - 1).trimEnd();
    const isComment = /^\s*#/.test(line);
    if (!isComment && line.trim() !== "") {
      if (!line.endsWith(escapeChar) || line.endsWith(escapeChar + escapeChar)) return start;
      start = previous;
    }
    at = previous;
  }
  return start;
}
