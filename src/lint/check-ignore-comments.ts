import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Fix } from "../diagnostics/fix.ts";
import { didYouMean } from "../diagnostics/suggest.ts";
import type { LightfileTree, Word } from "../lightfile/ast.ts";
import { type IgnoreComment, ignores } from "../lightfile/ignore-comments.ts";
import { proposedFix, wholeLines } from "./edits.ts";
import { findRule, ruleNames } from "./rules.ts";

interface IgnoreCheck {
  readonly tree: LightfileTree;
  readonly comments: readonly IgnoreComment[];
  /** Before the comments left anything out. */
  readonly findings: readonly Diagnostic[];
  /** False when some rules kept silent about the file. */
  readonly isWhole: boolean;
}

type IgnoreFinding = Diagnostic & { readonly fixes: readonly Fix[] };

/** Names that no rule has, and comments that leave nothing out. */
export function checkIgnoreComments(check: IgnoreCheck): readonly IgnoreFinding[] {
  const { tree, comments, isWhole } = check;
  const inComments = comments.flatMap((comment) =>
    comment.rules.flatMap((word) => {
      if (!isKnown(word.text)) return [unknownRule(tree, word)];
      return isWhole && hidesNothing(check, comment, word) ? [unusedIgnore(tree, comment, word)] : [];
    }),
  );
  return [
    ...inComments,
    ...skippedByDirective(tree).flatMap((word) => (isKnown(word.text) ? [] : [unknownRule(tree, word)])),
  ];
}

/** `all`, and rules of BuildKit that have no meaning here: files for both may leave them out. */
const foreign = new Set(["all", "invalidbaseimageplatform"]);

function isKnown(name: string): boolean {
  return foreign.has(name.toLowerCase()) || findRule(name) !== undefined;
}

/** What only a bake can know may be hidden all the same. */
function hidesNothing({ findings }: IgnoreCheck, comment: IgnoreComment, word: Word): boolean {
  if (comment.target !== null && findRule(word.text)?.check === undefined) return false;
  return !findings.some((finding) => ignores({ ...comment, rules: [word] }, finding));
}

function unknownRule(tree: LightfileTree, word: Word): IgnoreFinding {
  return {
    code: "UnknownRule",
    severity: "warning",
    message: `there is no rule ${word.text}`,
    source: tree.source,
    range: word.range,
    hint: didYouMean(word.text, ruleNames) ?? "lightbox check --list-rules names them all",
    fixes: [],
  };
}

function unusedIgnore(
  tree: LightfileTree,
  { comment, rules, target }: IgnoreComment,
  word: Word,
): IgnoreFinding {
  const fixes =
    rules.length === 1 ? [proposedFix("Remove the comment", wholeLines(tree.source, comment.range), "")] : [];
  return {
    code: "UnusedIgnore",
    severity: "warning",
    message:
      target === null
        ? "no instruction stands below this comment"
        : `${word.text} has nothing to say about this instruction`,
    source: tree.source,
    range: word.range,
    hint: target === null ? "put it on the line above the instruction" : "remove it",
    fixes,
  };
}

/** The names in `# check=skip=…` at the head of the file. */
function skippedByDirective(tree: LightfileTree): readonly Word[] {
  return tree.directives
    .filter(({ name }) => name.text.toLowerCase() === "check")
    .flatMap(({ value }) => {
      const list = /(?:^|;)\s*skip\s*=([^;]*)/di.exec(value.text);
      const start = value.range.start + (list?.indices?.[1]?.[0] ?? 0);
      return [...(list?.[1] ?? "").matchAll(/[^\s,]+/g)].map((match) => ({
        text: match[0],
        range: { start: start + match.index, end: start + match.index + match[0].length },
      }));
    });
}
