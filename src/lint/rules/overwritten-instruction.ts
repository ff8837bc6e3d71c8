import type { Instruction } from "../../lightfile/ast.ts";
import { proposedFix, wholeLines } from "../edits.ts";
import type { Rule } from "../rule.ts";

export const overwrittenInstruction: Rule = {
  name: "OverwrittenInstruction",
  summary: "a USER, SHELL or STOPSIGNAL is replaced before anything reads it",
  *check({ blocks, tree }) {
    for (const { instructions } of blocks) {
      for (const [index, instruction] of instructions.entries()) {
        const next = instructions.slice(index + 1).find((other) => other.kind === instruction.kind);
        if (
          next === undefined ||
          !isReplaced(instruction, instructions.slice(index + 1, instructions.indexOf(next)))
        ) {
          continue;
        }
        const keyword = instruction.keyword.text.toUpperCase();
        yield {
          range: instruction.range,
          message: `this ${keyword} is replaced before anything reads it`,
          hint: "remove it, or move it to where it should act",
          related: [{ message: "replaced here", range: next.range }],
          fixes: [proposedFix(`Remove this ${keyword}`, wholeLines(tree.source, instruction.range), "")],
        };
      }
    }
  },
};

/** Instructions that a USER or a SHELL says nothing to. */
const indifferent = new Set([
  "label",
  "expose",
  "volume",
  "arg",
  "env",
  "snapshot",
  "resources",
  "stopsignal",
]);

function isReplaced({ kind }: Instruction, between: readonly Instruction[]): boolean {
  if (kind === "stopsignal") return true;
  const others = kind === "user" ? "shell" : "user";
  if (kind !== "user" && kind !== "shell") return false;
  return between.every((one) => indifferent.has(one.kind) || one.kind === others);
}
