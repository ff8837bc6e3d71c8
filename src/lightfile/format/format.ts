import { type Diagnostic, hasErrors } from "../../diagnostics/diagnostic.ts";
import type { Range, SourceFile } from "../../diagnostics/source-file.ts";
import type { LightfileTree } from "../ast.ts";
import { parseLightfile } from "../parse.ts";
import type { Layout } from "./gap.ts";
import { printInstruction } from "./print-instruction.ts";

export interface Formatted {
  /** The formatted text; the text as it was when it has errors. */
  readonly text: string;
  /** The parser's, errors and warnings, about the text as it was. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Lays out a Lightfile in the one way of lightbox: see docs/formatting.md. Never throws. What the file means stays the
 * same, to the last byte of a command, a heredoc or a quoted word, and so do the keys of its steps. Formatting twice
 * gives what formatting once gives. A text with errors is left as it is.
 */
export function format(input: string | SourceFile): Formatted {
  const source = typeof input === "string" ? { path: "Lightfile", text: input } : input;
  const parsed = parseLightfile(source);
  const isUnread = parsed.value.instructions.some(({ kind }) => kind === "invalid");
  if (isUnread || hasErrors(parsed.diagnostics))
    return { text: source.text, diagnostics: parsed.diagnostics };
  // A carriage return before another one is text, so only single ones are line ends.
  const unixText = source.text.replaceAll(/(?<!\r)\r\n/g, "\n");
  const tree = unixText === source.text ? parsed.value : parseLightfile({ ...source, text: unixText }).value;
  const printed = printTree(tree);
  const hasCarriageReturns = /^[^\n]*?(?<!\r)\r\n/.test(source.text);
  const text = hasCarriageReturns ? printed.replaceAll(/(?<!\r)\n/g, "\r\n") : printed;
  return { text, diagnostics: parsed.diagnostics };
}

/** A line of its own, or an instruction with all its lines. */
interface Item {
  readonly kind: "directive" | "comment" | "instruction";
  readonly range: Range;
  readonly text: string;
}

function printTree(tree: LightfileTree): string {
  const text = tree.source.text.endsWith("\n") ? tree.source.text : `${tree.source.text}\n`;
  const items = itemsOf(tree, { text, escape: tree.escape });
  let printed = "";
  let inDirectives = true;
  let before: Item | undefined;
  for (const item of items) {
    if (item.kind !== "directive" && inDirectives) {
      inDirectives = false;
      // Whatever kept this comment from being a directive may be a line that goes.
      if (looksLikeDirective(item)) printed += "\n";
      else if (before !== undefined && hasBlankLine(text, before, item)) printed += "\n";
    } else if (before !== undefined && hasBlankLine(text, before, item)) printed += "\n";
    printed += `${item.text}\n`;
    before = item;
  }
  return printed;
}

function itemsOf(tree: LightfileTree, layout: Layout): readonly Item[] {
  const instructions = tree.instructions.map(
    (instruction): Item => ({
      kind: "instruction",
      range: instruction.range,
      text: printInstruction(instruction, layout),
    }),
  );
  const directives = tree.directives.map(
    ({ name, value, range }): Item => ({
      kind: "directive",
      range,
      text: `# ${name.text.toLowerCase()}=${value.text}`,
    }),
  );
  return [...directives, ...ownComments(tree), ...instructions].sort(
    (left, right) => left.range.start - right.range.start,
  );
}

/** The comments that stand between instructions; those inside one are printed with it. */
function ownComments(tree: LightfileTree): readonly Item[] {
  const comments: Item[] = [];
  let next = 0;
  for (const { range } of tree.comments) {
    while ((tree.instructions[next]?.range.end ?? Infinity) <= range.start) next++;
    if ((tree.instructions[next]?.range.start ?? Infinity) <= range.start) continue;
    const text = tree.source.text.slice(range.start, range.end);
    comments.push({ kind: "comment", range, text });
  }
  return comments;
}

function hasBlankLine(text: string, before: Item, item: Item): boolean {
  return /\n[^\n]*\n/.test(text.slice(before.range.end, item.range.start));
}

function looksLikeDirective({ kind, text }: Item): boolean {
  return kind === "comment" && /^#\s*(?:check|escape|syntax)\s*=/i.test(text);
}
