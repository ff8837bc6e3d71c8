import { namedReferences } from "../references.ts";
import type { Rule } from "../rule.ts";

export const unusedMixin: Rule = {
  name: "UnusedMixin",
  summary: "no USE names a mixin of a file that has stages",
  needsWholeFile: true,
  *check({ blocks, stages, tree }) {
    // A file of mixins alone is there for others.
    if (stages.length === 0) return;
    const named = namedReferences(tree);
    for (const { kind, head, name } of blocks) {
      if (kind !== "mixin" || named.has(name)) continue;
      yield {
        range: head.name.range,
        message: `no USE names the mixin ${head.name.text}`,
        hint: `write USE ${head.name.text} in a stage, or remove it`,
      };
    }
  },
};
