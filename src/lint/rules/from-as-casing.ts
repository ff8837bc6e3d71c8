import { safeFix } from "../edits.ts";
import type { Rule } from "../rule.ts";

export const fromAsCasing: Rule = {
  name: "FromAsCasing",
  summary: "FROM is in capitals and AS is not, or the other way round",
  *check({ tree }) {
    for (const instruction of tree.instructions) {
      if ((instruction.kind !== "from" && instruction.kind !== "import") || instruction.as === null) continue;
      const { keyword, as } = instruction;
      const wanted = keyword.text === keyword.text.toLowerCase() ? "as" : "AS";
      if (as.text === wanted) continue;
      yield {
        range: as.range,
        message: `${as.text} is written in another case than ${keyword.text}`,
        hint: `write ${wanted}`,
        fixes: [safeFix(`Write ${wanted}`, as.range, wanted)],
      };
    }
  },
};
