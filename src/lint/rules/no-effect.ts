import type { Remark, Rule } from "../rule.ts";
import { shellRuns } from "../shell/run-commands.ts";

/** The planner says the rest: of flags, of instructions, of what is copied. A command's text is for rules to look at. */
export const noEffect: Rule = {
  name: "NoEffect",
  summary: "a flag, an instruction or what it writes has no effect here",
  *check(file) {
    for (const { run } of shellRuns(file)) {
      const text = file.tree.source.text.slice(run.range.start, run.range.end);
      for (const match of text.matchAll(writesMachineFile)) yield remarkOn(match, run.range.start);
    }
  },
};

/** A redirection or `tee` to a file that every boot writes anew. */
const writesMachineFile =
  /(?:>>?|\btee(?:[ \t]+-a)?)[ \t]*(\/etc\/(?:hosts|hostname|resolv\.conf))(?![\w./-])/g;

function remarkOn(match: RegExpExecArray, offset: number): Remark {
  const [whole, path = ""] = match;
  const end = offset + match.index + whole.length;
  return {
    range: { start: end - path.length, end },
    message: `${path} is the machine's own, and no layer keeps what a step writes there`,
    hint: "every boot writes it anew: take this out, or write it when the sandbox runs",
  };
}
