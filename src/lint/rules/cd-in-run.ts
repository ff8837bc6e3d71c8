import type { Rule } from "../rule.ts";
import { shellRuns } from "../shell/run-commands.ts";

export const cdInRun: Rule = {
  name: "CdInRun",
  summary: "a RUN begins with `cd`, which WORKDIR does for all that follows",
  *check(file) {
    for (const { run, commands } of shellRuns(file)) {
      const [first] = commands;
      // RUN cd alone has a rule of its own, and a script may walk about.
      if (first?.program !== "cd" || commands.length === 1 || first.depth > 0) continue;
      if (run.heredocs.length > 0 || run.command.form === "exec") continue;
      const [directory] = first.arguments;
      // Of a place that the step only passes through, or finds out, WORKDIR is no better.
      if (directory === undefined || /^(?:\/var)?\/tmp(?:\/|$)|^-$|`|\$\(/.test(directory.text)) continue;
      yield {
        range: first.range,
        message: "this changes the directory of this one step only",
        hint: hintFor(directory.text),
      };
    }
  },
};

/** WORKDIR does not know what the shell makes of a ~. */
function hintFor(directory: string): string {
  if (!directory.startsWith("~")) return `write WORKDIR ${directory} on a line before`;
  return `write WORKDIR on a line before, with the whole path: ~ stands for itself there`;
}
