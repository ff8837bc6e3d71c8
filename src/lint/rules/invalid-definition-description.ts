import type { ArgInstruction, FromInstruction, LightfileTree, Word } from "../../lightfile/ast.ts";
import type { Rule } from "../rule.ts";

export const invalidDefinitionDescription: Rule = {
  name: "InvalidDefinitionDescription",
  summary: "the comment above an ARG or FROM does not begin with its name, so that it is no description",
  isExperimental: true,
  *check({ tree }) {
    for (const instruction of tree.instructions) {
      const name = nameOf(instruction);
      if (name === null) continue;
      const comment = firstCommentAbove(tree, instruction.range.start);
      if (comment === null || comment.text.trimStart().split(/\s/, 1)[0] === name.text) continue;
      yield {
        range: comment.range,
        message: `this comment is no description of ${name.text}: it begins with another word`,
        hint: `begin with ${name.text}, or put a blank line below the comment`,
      };
    }
  },
};

function nameOf(instruction: LightfileTree["instructions"][number]): Word | null {
  if (instruction.kind === "from") return (instruction satisfies FromInstruction).alias;
  if (instruction.kind !== "arg") return null;
  return (instruction satisfies ArgInstruction).declarations[0]?.name ?? null;
}

/** The first line of the comment lines that stand directly above. */
function firstCommentAbove(tree: LightfileTree, start: number): LightfileTree["comments"][number] | null {
  let first: LightfileTree["comments"][number] | null = null;
  let below = start;
  for (const comment of tree.comments.toReversed()) {
    if (comment.range.start > below) continue;
    if (!/^[ \t\r]*\n[ \t]*$/.test(tree.source.text.slice(comment.range.end, below))) break;
    if (comment.text.trim() === "") break;
    first = comment;
    below = comment.range.start;
  }
  return first;
}
