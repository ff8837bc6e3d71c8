import { proposedFix, withBlanksAfter } from "../edits.ts";
import type { Rule } from "../rule.ts";

export const fromPlatformFlagConstDisallowed: Rule = {
  name: "FromPlatformFlagConstDisallowed",
  summary: "FROM has a platform written out, so that the file can be baked for that one only",
  *check({ stages, tree }) {
    for (const { head, name } of stages) {
      for (const flag of head.flags) {
        const value = flag.value?.text ?? "$";
        if (flag.name.text !== "platform" || value.includes("$")) continue;
        // BuildKit's exception: `AS base-amd64`, which another stage chooses with `FROM base-${TARGETARCH}`.
        const parts = value.toLowerCase().split("/").slice(0, 2);
        if (name !== null && parts.some((part) => part !== "" && name.includes(part))) continue;
        yield {
          range: flag.range,
          message: `with ${value} written out, the file can be baked for that platform only`,
          hint: "take the flag out, or read the platform from an ARG",
          fixes: [proposedFix("Take the flag out", withBlanksAfter(tree.source, flag.range), "")],
        };
      }
    }
  },
};
