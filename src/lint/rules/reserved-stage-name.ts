import type { Rule } from "../rule.ts";

const reserved = new Set(["scratch", "context"]);

export const reservedStageName: Rule = {
  name: "ReservedStageName",
  summary: "a stage is named `scratch` or `context`",
  *check({ stages }) {
    for (const { head, name } of stages) {
      if (head.alias === null || name === null || !reserved.has(name)) continue;
      yield {
        range: head.alias.range,
        message: `${name} has a meaning of its own and cannot be told from this stage`,
        hint: "give the stage another name",
      };
    }
  },
};
