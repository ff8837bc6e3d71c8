import { safeFix } from "../edits.ts";
import type { Rule } from "../rule.ts";

export const exposeProtoCasing: Rule = {
  name: "ExposeProtoCasing",
  summary: "EXPOSE names a protocol in capitals",
  *check({ tree }) {
    for (const instruction of tree.instructions) {
      if (instruction.kind !== "expose") continue;
      for (const { text, range } of instruction.words) {
        const protocol = /\/([A-Za-z]+)$/.exec(text)?.[1];
        if (protocol === undefined || protocol === protocol.toLowerCase()) continue;
        const start = range.end - protocol.length;
        yield {
          range: { start, end: range.end },
          message: `the protocol ${protocol} has capitals`,
          hint: `write ${protocol.toLowerCase()}`,
          fixes: [
            safeFix("Write the protocol in lower case", { start, end: range.end }, protocol.toLowerCase()),
          ],
        };
      }
    }
  },
};
