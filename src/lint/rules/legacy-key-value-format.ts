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
      if (pair.value.text.startsWith("=")) {
        // Nobody means the = as a part of the value, so the meaning is not kept.
        const meant = pair.value.text.slice(1).trim();
        yield {
          range: { start: pair.name.range.start, end: pair.value.range.end },
          message: `with a blank before it, the = is a part of the value`,
          hint: `write ${keyword} ${pair.name.text}=${meant}, without blanks around the =`,
        };
        continue;
      }
      yield {
        range: { start: pair.name.range.start, end: pair.value.range.end },
        message: `this is the old form of ${keyword}: everything behind the name is one value`,
        hint: `write ${keyword} ${assignment(pair) ?? `${pair.name.text}="…", with the value in quotes`}`,
        fixes: withEquals(pair),
      };
    }
  },
};

function withEquals(pair: NamedValue): readonly Fix[] {
  const written = assignment(pair);
  const range = { start: pair.name.range.start, end: pair.value.range.end };
  return written === null ? [] : [safeFix("Write name=value", range, written)];
}

/** `name=value`; null where that could mean something else: quotes and escapes do not read the same in both forms. */
function assignment({ name, value }: NamedValue): string | null {
  if (/["'\\`\n]/.test(value.text) || !/^[\w.${}-]+$/.test(name.text)) return null;
  return `${name.text}=${/^[^\s]+$/.test(value.text) ? value.text : `"${value.text}"`}`;
}
