import type { Range } from "../../diagnostics/source-file.ts";
import type { Instruction } from "../ast.ts";
import { continuationEnd, scanLine, scanPlainWord } from "../scan.ts";
import { continuedIndentation, endOfText, type Layout, printGap, printVerbatim, readGap } from "./gap.ts";
import { type Piece, piecesOf } from "./pieces.ts";

const usualIndentation = "    ";

/** An instruction in its one layout, heredocs included, without a line feed at the end. */
export function printInstruction(instruction: Instruction, layout: Layout): string {
  const printer = new InstructionPrinter(instruction, layout);
  for (const piece of piecesOf(instruction, layout)) printer.add(piece);
  printer.endLine();
  const [heredoc] = instruction.heredocs;
  if (heredoc === undefined) return printer.printed;
  // Bodies up to the last line that ends one are not ours.
  return `${printer.printed}\n${layout.text.slice(heredoc.bodyRange.start, instruction.range.end)}`;
}

class InstructionPrinter {
  readonly #layout: Layout;
  readonly #indentation: string;
  #at: number;
  printed: string;

  constructor(instruction: Instruction, layout: Layout) {
    this.#layout = layout;
    this.#indentation = indentationOf(instruction, layout);
    this.#at = instruction.keyword.range.end;
    this.printed = instruction.keyword.text.toUpperCase();
  }

  add(piece: Piece): void {
    if (piece.kind === "array") this.#addArray(piece.elements);
    else {
      this.#addWordsBefore(piece.range.start);
      const end = endOfText(this.#layout, piece.range.start, piece.range.end);
      const text = printVerbatim(this.#layout, piece.range.start, end);
      this.printed += piece.kind === "keyword" ? text.toUpperCase() : text;
      this.#at = end;
    }
  }

  /** An escape character at the end that does not continue the line must not begin to. */
  endLine(): void {
    const { text, escape: escapeChar } = this.#layout;
    if (!this.printed.endsWith(escapeChar)) return;
    if (continuationEnd(`${this.printed}\n`, this.printed.length - 1, escapeChar) === -1) return;
    this.printed += text.slice(this.#at, text.indexOf("\n", this.#at));
  }

  /** Prints what stands before `offset`: gaps, and words that the tree has no node for, such as `--`. */
  #addWordsBefore(offset: number): void {
    const { text, escape: escapeChar } = this.#layout;
    for (;;) {
      const gap = readGap(this.#layout, this.#at, offset);
      this.printed += printGap(gap, escapeChar, this.#indentation);
      this.#at = gap.end;
      if (gap.end >= offset) return;
      this.#at = Math.min(scanPlainWord(text, gap.end, escapeChar), offset);
      this.printed += printVerbatim(this.#layout, gap.end, this.#at);
    }
  }

  #addArray(elements: readonly Range[]): void {
    const { text, escape: escapeChar } = this.#layout;
    const [first] = elements;
    const lineEnd = scanLine(text, this.#at, escapeChar);
    const bracket = this.#findBracket(first?.start ?? lineEnd);
    this.#addWordsBefore(bracket);
    if (first === undefined) {
      this.printed += printVerbatim(this.#layout, bracket, lineEnd);
      this.#at = lineEnd;
      return;
    }
    this.printed += "[";
    this.#at = bracket + 1;
    for (const element of elements) {
      const gap = this.#printBetween(element.start);
      if (element !== first) this.printed += `,${gap}`;
      else if (gap !== " ") this.printed += gap;
      this.printed += printVerbatim(this.#layout, element.start, element.end);
      this.#at = element.end;
    }
    const gap = this.#printBetween(lineEnd);
    this.printed += gap === " " ? "]" : `${gap}]`;
  }

  /** White space, continuations, commas and the closing bracket up to `offset`, as one gap. */
  #printBetween(offset: number): string {
    const { text, escape: escapeChar } = this.#layout;
    const comments: string[] = [];
    let isContinued = false;
    while (this.#at < offset) {
      const gap = readGap(this.#layout, this.#at, offset);
      comments.push(...gap.comments);
      isContinued ||= gap.isContinued;
      this.#at = gap.end;
      if (gap.end < offset && (text[gap.end] === "," || text[gap.end] === "]")) this.#at++;
    }
    return printGap({ end: offset, isContinued, comments }, escapeChar, this.#indentation);
  }

  #findBracket(limit: number): number {
    const { text } = this.#layout;
    let at = readGap(this.#layout, this.#at, limit).end;
    while (at < limit && text[at] !== "[") {
      const wordEnd = scanPlainWord(text, at, this.#layout.escape);
      at = readGap(this.#layout, wordEnd, limit).end;
    }
    return at;
  }
}

/** Lines that the formatter may indent follow those of the command, which it may not. */
function indentationOf(instruction: Instruction, layout: Layout): string {
  for (const piece of piecesOf(instruction, layout)) {
    if (piece.kind !== "command") continue;
    const own = continuedIndentation(layout, piece.range.start, piece.range.end);
    if (own !== null && own !== "") return own;
  }
  return usualIndentation;
}
