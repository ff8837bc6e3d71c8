import type { Fix } from "../../diagnostics/fix.ts";
import type { NamedValue } from "../../lightfile/ast.ts";
import { safeFix } from "../edits.ts";
import { actingInstruction } from "../linted-file.ts";
import type { Rule } from "../rule.ts";

export const legacyKeyValueFormat: Rule = {
  name: "LegacyKeyValueFormat",
  summary: "ENV or LABEL has its old form, `ENV name value`",
  *check({ tree }) {
    for (const instruction of tree.instructions) {
      const acting = actingInstruction(instruction);
      if ((acting.kind !== "env" && acting.kind !== "label") || !acting.legacy) continue;
      const [pair] = acting.pairs;
      if (pair === undefined) continue;
      const keyword = acting.keyword.text.toUpperCase();
      yield {
        range: { start: pair.name.range.start, end: pair.value.range.end },
        message: `this is the old form of ${keyword}: everything behind the name is one value`,
        hint: `write ${keyword} ${pair.name.text}=value`,
        fixes: withEquals(pair),
      };
    }
  },
};

/** Quotes and escapes mean the same in both forms as long as there are none. */
function withEquals({ name, value }: NamedValue): readonly Fix[] {
  if (/["'\\`\n]/.test(value.text) || !/^[\w.${}-]+$/.test(name.text)) return [];
  const written = /^[^\s]+$/.test(value.text) ? value.text : `"${value.text}"`;
  const range = { start: name.range.start, end: value.range.end };
  return [safeFix("Write name=value", range, `${name.text}=${written}`)];
}
