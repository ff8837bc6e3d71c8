import { variablesIn } from "../../lightfile/expand.ts";
import { actingInstruction } from "../linted-file.ts";
import type { Rule } from "../rule.ts";

export const sameLineReference: Rule = {
  name: "SameLineReference",
  summary: "ENV reads a variable that the same line sets: it gets the value from before",
  *check({ tree }) {
    for (const instruction of tree.instructions) {
      const acting = actingInstruction(instruction);
      if (acting.kind !== "env" || acting.legacy) continue;
      const set = new Map<string, { readonly start: number; readonly end: number }>();
      for (const { name, value } of acting.pairs) {
        for (const used of variablesIn(value.text, { escape: tree.escape })) {
          const earlier = set.get(used);
          if (earlier === undefined) continue;
          yield {
            range: value.range,
            message: `$${used} is what it was before this line, not what the line sets`,
            hint: "write two ENV lines",
            related: [{ message: `${used} is set here`, range: earlier }],
          };
        }
        set.set(name.text, name.range);
      }
    }
  },
};
