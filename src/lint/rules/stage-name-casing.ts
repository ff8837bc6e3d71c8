import { safeFix } from "../edits.ts";
import type { Rule } from "../rule.ts";

export const stageNameCasing: Rule = {
  name: "StageNameCasing",
  summary: "a stage's name has capitals",
  *check({ stages }) {
    for (const { head } of stages) {
      const { alias } = head;
      if (alias === null || alias.text === alias.text.toLowerCase()) continue;
      yield {
        range: alias.range,
        message: `the stage's name ${alias.text} has capitals`,
        hint: "names of stages are compared in lower case: write it so",
        fixes: [safeFix("Write the stage's name in lower case", alias.range, alias.text.toLowerCase())],
      };
    }
  },
};
