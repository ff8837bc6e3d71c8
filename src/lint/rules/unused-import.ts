import { namedReferences } from "../references.ts";
import type { Rule } from "../rule.ts";

export const unusedImport: Rule = {
  name: "UnusedImport",
  summary: "nothing names an imported Lightfile",
  needsWholeFile: true,
  *check({ imports, tree }) {
    const named = namedReferences(tree);
    for (const { alias } of imports) {
      if (named.has(alias.text.toLowerCase())) continue;
      yield {
        range: alias.range,
        message: `nothing names the import ${alias.text}`,
        hint: `write FROM ${alias.text}#target or USE ${alias.text}#mixin, or remove it`,
      };
    }
  },
};
