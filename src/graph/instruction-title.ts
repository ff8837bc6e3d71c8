import type { Instruction, LightfileTree } from "../lightfile/ast.ts";

const longestTitle = 200;

/** The instruction as written, on one line: for people, in no key. */
export function instructionTitle(tree: LightfileTree, instruction: Instruction): string {
  const firstBody = instruction.heredocs[0];
  const end = firstBody === undefined ? instruction.range.end : firstBody.bodyRange.start;
  const lines = tree.source.text.slice(instruction.range.start, end).split(/\r?\n/);
  const kept = lines.filter((line, index) => index === 0 || !line.trimStart().startsWith("#"));
  const joined = kept
    .map((line) => {
      const trimmed = line.trim();
      return trimmed.endsWith(tree.escape) ? trimmed.slice(0, -1).trimEnd() : trimmed;
    })
    .filter((line) => line !== "")
    .join(" ");
  return shorten(firstBody === undefined ? joined : `${joined}${firstLineOf(firstBody.body)}`);
}

/** What a heredoc begins with says more than its delimiter. */
function firstLineOf(body: string): string {
  const line = body.split("\n").find((one) => one.trim() !== "" && !one.startsWith("#!"));
  return line === undefined ? "" : ` (${line.trim()})`;
}

function shorten(text: string): string {
  if (text.length <= longestTitle) return text;
  // A cut must not leave half of a surrogate pair behind.
  return `${text.slice(0, longestTitle - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
