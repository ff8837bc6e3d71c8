import { proposedFix, wholeLines } from "../edits.ts";
import type { Rule } from "../rule.ts";
import { type LocatedCommand, shellRuns } from "../shell/run-commands.ts";

/** What each does ends with the shell that does it. */
const insteadOf: Readonly<Record<string, string>> = {
  cd: "write WORKDIR",
  export: "write ENV",
  alias: "write a script into the PATH",
  set: "options of the shell belong into SHELL, or into the step that needs them",
  umask: "write it into the step that needs it",
  source: "write it into the step that needs it",
  ".": "write it into the step that needs it",
  unset: "write ENV name= to empty it",
  ulimit: "write it into the step that needs it",
};

export const runWithoutEffect: Rule = {
  name: "RunWithoutEffect",
  summary: "all that a RUN does ends with its shell, such as `RUN cd /srv`",
  *check(file) {
    for (const { run, commands } of shellRuns(file)) {
      const [first] = commands;
      if (first === undefined || !commands.every(onlySetsShell)) continue;
      yield {
        range: run.range,
        message: `${first.program} acts on this one step only, which does nothing else`,
        hint: insteadOf[first.program],
        fixes: [proposedFix("Remove this step", wholeLines(file.tree.source, run.range), "")],
      };
    }
  },
};

/** A file that is sourced may do anything; some are there to set variables. */
const settings =
  /(?:^|\/)(?:activate|environment|env|\.?(?:bash|zsh|kshrc|mksh)?(?:rc|_?profile)|\.env|env\.sh|[\w.-]*vars?(?:\.sh)?)$/;

function onlySetsShell({ program, arguments: rest }: LocatedCommand): boolean {
  if (program !== "source" && program !== ".") return Object.hasOwn(insteadOf, program);
  return rest.length === 1 && settings.test(rest[0]?.text ?? "");
}
