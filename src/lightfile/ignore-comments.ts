import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Range } from "../diagnostics/source-file.ts";
import type { Comment, LightfileTree, Word } from "./ast.ts";

/** A comment that leaves warnings out for one instruction. */
export interface IgnoreComment {
  readonly comment: Comment;
  /** Codes of warnings as written, or `all`. */
  readonly rules: readonly Word[];
  /** The instruction that it is about; null when none follows. */
  readonly target: Range | null;
}

const ignore = /^[ \t]*lightbox-ignore[ \t]+([^:]*)(?::.*)?$/di;
/** As in Dockerfiles. */
const checkSkip = /^[ \t]*check[ \t]*=[ \t]*skip[ \t]*=([^;]*)(?:;.*)?$/di;

/**
 * The comments `# lightbox-ignore RuleA, RuleB: reason` and `# check=skip=RuleA,RuleB`. They are about the instruction
 * that they stand in, or else about the one on the line below, comments in between not counted.
 */
export function readIgnoreComments(tree: LightfileTree): readonly IgnoreComment[] {
  const found = known.get(tree) ?? findIgnoreComments(tree);
  known.set(tree, found);
  return found;
}

const known = new WeakMap<LightfileTree, readonly IgnoreComment[]>();

function findIgnoreComments(tree: LightfileTree): readonly IgnoreComment[] {
  return tree.comments.flatMap((comment): readonly IgnoreComment[] => {
    const match = ignore.exec(comment.text) ?? checkSkip.exec(comment.text);
    if (match === null) return [];
    const list = match[1] ?? "";
    const start = comment.range.start + 1 + (match.indices?.[1]?.[0] ?? 0);
    return [{ comment, rules: wordsOf(list, start), target: targetOf(tree, comment) }];
  });
}

function wordsOf(list: string, start: number): readonly Word[] {
  return [...list.matchAll(/[^\s,]+/g)].map((match) => ({
    text: match[0],
    range: { start: start + match.index, end: start + match.index + match[0].length },
  }));
}

function targetOf(tree: LightfileTree, { range }: Comment): Range | null {
  const next = tree.instructions.find((instruction) => instruction.range.end > range.start);
  if (next === undefined) return null;
  const between = tree.source.text.slice(range.end, next.range.start);
  const isBlockAbove = /^[ \t\r]*\n(?:[ \t]*#[^\n]*\n)*[ \t]*$/.test(between);
  return next.range.start < range.start || isBlockAbove ? next.range : null;
}

/** The diagnostics without the warnings that a comment of the file leaves out. */
export function applyIgnoreComments(
  tree: LightfileTree,
  diagnostics: readonly Diagnostic[],
): readonly Diagnostic[] {
  const comments = readIgnoreComments(tree);
  if (comments.length === 0) return diagnostics;
  return diagnostics.filter(
    (diagnostic) =>
      diagnostic.source.path !== tree.source.path ||
      !comments.some((comment) => ignores(comment, diagnostic)),
  );
}

export function ignores({ rules, target }: IgnoreComment, diagnostic: Diagnostic): boolean {
  if (diagnostic.severity === "error" || target === null) return false;
  const { start } = diagnostic.range;
  if (start < target.start || start > target.end) return false;
  const code = diagnostic.code.toLowerCase();
  return rules.some(({ text }) => text.toLowerCase() === "all" || text.toLowerCase() === code);
}
