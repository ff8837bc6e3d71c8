import { actingInstruction } from "../linted-file.ts";
import type { Rule } from "../rule.ts";

export const addWithoutChecksum: Rule = {
  name: "AddWithoutChecksum",
  summary: "ADD downloads a file and does not say which content it must have",
  *check({ tree }) {
    for (const instruction of tree.instructions) {
      const acting = actingInstruction(instruction);
      if (acting.kind !== "add" || acting.flags.some(({ name }) => name.text === "checksum")) continue;
      for (const { text, range } of acting.sources) {
        if (!/^https?:\/\//i.test(text) || /\.git\/?(?:[#?]|$)/.test(text)) continue;
        // A commit says what is there.
        if (/\/[0-9a-f]{40}\//.test(text)) continue;
        yield {
          range,
          message: "what this address serves can change without anybody noticing",
          hint: "say what is expected: ADD --checksum=sha256:…",
        };
      }
    }
  },
};
