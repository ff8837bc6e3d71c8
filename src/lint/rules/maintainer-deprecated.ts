import { maintainerLabel } from "../../lightfile/maintainer-label.ts";
import { proposedFix } from "../edits.ts";
import type { Rule } from "../rule.ts";

export const maintainerDeprecated: Rule = {
  name: "MaintainerDeprecated",
  summary: "MAINTAINER stands there, which a label replaced long ago",
  replaces: ["NoEffect"],
  *check({ tree }) {
    for (const instruction of tree.instructions) {
      if (instruction.kind !== "maintainer") continue;
      const label = maintainerLabel(instruction, tree.escape);
      yield {
        range: instruction.keyword.range,
        message: "MAINTAINER has no effect",
        hint: `write ${label}`,
        fixes: [proposedFix("Write a label", instruction.range, label)],
      };
    }
  },
};
