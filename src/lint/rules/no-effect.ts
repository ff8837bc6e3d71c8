import { rewrittenFileHint, rewrittenFiles } from "../../model/rewritten-files.ts";
import type { Remark, Rule } from "../rule.ts";
import { shellRuns } from "../shell/run-commands.ts";

/** The planner says the rest: of flags, of instructions, of what is copied. A command's text is for rules to look at. */
export const noEffect: Rule = {
  name: "NoEffect",
  summary: "a flag, an instruction or what it writes has no effect here",
  *check(file) {
    for (const { run } of shellRuns(file)) {
      const text = file.tree.source.text.slice(run.range.start, run.range.end);
      for (const { index, 0: whole, 1: path = "" } of text.matchAll(writing)) {
        const end = run.range.start + index + whole.length;
        if (rewrittenFiles.includes(path)) yield remarkOn(path, end);
      }
    }
  },
};

/** A redirection or `tee` to a file. */
const writing = /(?:>>?|\btee(?:[ \t]+-a)?)[ \t]*(\/[\w./-]+)/g;

function remarkOn(path: string, end: number): Remark {
  return {
    range: { start: end - path.length, end },
    message: `${path} is the machine's own, and no layer keeps what a step writes there`,
    hint: rewrittenFileHint,
  };
}
