import type { Rule } from "../rule.ts";
import { shellRuns } from "../shell/run-commands.ts";

const downloaders = new Set(["curl", "wget"]);
const interpreters = /^(?:ba|da|a|z|k)?sh$|^(?:python|node|perl|ruby)[\d.]*$/;

export const downloadPipedToShell: Rule = {
  name: "DownloadPipedToShell",
  summary: "what a server sends is piped into a shell unseen",
  *check(file) {
    for (const { commands } of shellRuns(file)) {
      for (const [index, { operator, program, range }] of commands.entries()) {
        const before = commands[index - 1];
        if (operator !== "|" || before === undefined || !interpreters.test(program)) continue;
        if (!downloaders.has(before.program)) continue;
        yield {
          range: { start: before.range.start, end: range.end },
          message: "whatever the server sends is run, also half a script when the connection breaks",
          hint: "ADD --checksum=sha256:… the script, then run it",
        };
      }
    }
  },
};
