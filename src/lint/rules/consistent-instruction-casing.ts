import { safeFix } from "../edits.ts";
import { actingInstruction } from "../linted-file.ts";
import type { Rule } from "../rule.ts";

export const consistentInstructionCasing: Rule = {
  name: "ConsistentInstructionCasing",
  summary: "an instruction is not written in the case of most others",
  *check({ tree }) {
    const keywords = tree.instructions.flatMap((instruction) => {
      const acting = actingInstruction(instruction);
      return acting === instruction ? [instruction.keyword] : [instruction.keyword, acting.keyword];
    });
    const lower = keywords.filter(({ text }) => text === text.toLowerCase()).length;
    const upper = keywords.filter(({ text }) => text === text.toUpperCase()).length;
    for (const { text, range } of keywords) {
      const wanted = lower > upper ? text.toLowerCase() : text.toUpperCase();
      if (text === wanted) continue;
      yield {
        range,
        message: `${text} is written in another case than most instructions of this file`,
        hint: `write ${wanted}`,
        fixes: [safeFix(`Write ${wanted}`, range, wanted)],
      };
    }
  },
};
