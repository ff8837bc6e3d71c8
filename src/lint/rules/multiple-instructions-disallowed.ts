import type { Instruction } from "../../lightfile/ast.ts";
import { proposedFix, wholeLines } from "../edits.ts";
import type { Rule } from "../rule.ts";

export const multipleInstructionsDisallowed: Rule = {
  name: "MultipleInstructionsDisallowed",
  summary: "a stage has a second CMD, ENTRYPOINT or HEALTHCHECK: only the last one counts",
  *check({ blocks, tree }) {
    for (const { instructions } of blocks) {
      for (const kind of ["cmd", "entrypoint", "healthcheck"]) {
        const all = instructions.filter((instruction: Instruction) => instruction.kind === kind);
        const last = all.at(-1);
        if (last === undefined) continue;
        for (const { keyword, range } of all.slice(0, -1)) {
          const name = keyword.text.toUpperCase();
          yield {
            range: keyword.range,
            message: `this ${name} has no effect: a later one of the same stage replaces it`,
            hint: "keep one of them",
            related: [{ message: `the ${name} that counts`, range: last.keyword.range }],
            fixes: [proposedFix(`Remove this ${name}`, wholeLines(tree.source, range), "")],
          };
        }
      }
    }
  },
};
