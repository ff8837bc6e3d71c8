import { directiveNames } from "../lightfile/reserved.ts";
import { type CompletionContext, plain } from "./completion-context.ts";
import type { Suggestion } from "./suggestion.ts";

/** Directives, and the rules that a comment leaves out. `text` is that from the `#` on. */
export function completeComment(context: CompletionContext, text: string): readonly Suggestion[] {
  const { table, offset } = context;
  const start = offset - (/\w*$/.exec(text)?.[0].length ?? 0);
  if (/^#\s*lightbox-ignore\s+(?:\w+[\s,]+)*\w*$/i.test(text)) return completeRule(context, start);
  if (/^#\s*check\s*=.*\b(?:skip|error|experimental)=(?:\w*,)*\w*$/i.test(text))
    return completeRule(context, start);
  if (/^#\s*check\s*=\s*\w*$/i.test(text)) return plain(context, start, "value", ["skip=", "error=true"]);
  if (/^#\s*[\w-]*$/.test(text)) {
    const inZone = table.tree.instructions.every((instruction) => instruction.range.start > offset);
    const names = (inZone ? directiveNames : ["check"]).map((name) => `${name}=`);
    const wordStart = offset - (/[\w-]*$/.exec(text)?.[0].length ?? 0);
    return plain(context, wordStart, "value", [...names, "lightbox-ignore "]);
  }
  if (/^#\s*escape\s*=\s*$/i.test(text)) return plain(context, offset, "value", ["\\", "`"]);
  return [];
}

function completeRule(context: CompletionContext, start: number): readonly Suggestion[] {
  const range = { start, end: context.offset };
  return [{ name: "all", summary: "every warning" }, ...context.sources.rules].map(({ name, summary }) => ({
    label: name,
    kind: "rule",
    newText: name,
    range,
    detail: summary,
  }));
}
