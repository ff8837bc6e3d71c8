import { proposedFix } from "../edits.ts";
import type { Rule } from "../rule.ts";
import { shellRuns } from "../shell/run-commands.ts";

export const sudoInRun: Rule = {
  name: "SudoInRun",
  summary: "a step uses `sudo`, which needs a terminal or a password and hides who runs it",
  *check(file) {
    for (const { commands } of shellRuns(file)) {
      for (const { words } of commands) {
        const [first, second] = words;
        if (first?.text !== "sudo") continue;
        const range = { start: first.range.start, end: second?.range.start ?? first.range.end };
        const isPlain = second !== undefined && !second.text.startsWith("-");
        yield {
          range: first.range,
          message: "USER says who runs a step, and without one root does",
          hint: "take sudo out, and write USER root before the step where it is needed",
          fixes: isPlain ? [proposedFix("Take sudo out", range, "")] : [],
        };
      }
    }
  },
};
