import { safeFix, withBlanksAfter } from "../edits.ts";
import type { Rule } from "../rule.ts";

export const redundantTargetPlatform: Rule = {
  name: "RedundantTargetPlatform",
  summary: "FROM names the platform that it has anyway, `--platform=$TARGETPLATFORM`",
  *check({ stages, tree }) {
    for (const { head } of stages) {
      for (const flag of head.flags) {
        if (flag.name.text !== "platform" || !/^\$\{?TARGETPLATFORM\}?$/.test(flag.value?.text ?? ""))
          continue;
        yield {
          range: flag.range,
          message: "every stage is for the target platform already",
          hint: "take the flag out",
          fixes: [safeFix("Take the flag out", withBlanksAfter(tree.source, flag.range), "")],
        };
      }
    }
  },
};
