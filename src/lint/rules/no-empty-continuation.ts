import { safeFix, wholeLines } from "../edits.ts";
import type { Rule } from "../rule.ts";

export const noEmptyContinuation: Rule = {
  name: "NoEmptyContinuation",
  summary: "a blank line stands inside a continued instruction",
  fixes({ tree }, range) {
    const { text } = tree.source;
    const { start, end } = wholeLines(tree.source, range);
    let last = end;
    // All blank lines of one gap were reported as one.
    for (
      let next = /^[ \t\r]*\n/.exec(text.slice(last));
      next !== null;
      next = /^[ \t\r]*\n/.exec(text.slice(last))
    ) {
      last += next[0].length;
    }
    return [safeFix("Remove the blank lines", { start, end: last }, "")];
  },
};
