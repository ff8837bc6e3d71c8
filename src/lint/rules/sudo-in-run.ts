import type { Rule } from "../rule.ts";
import { type LocatedCommand, shellRuns } from "../shell/run-commands.ts";

export const sudoInRun: Rule = {
  name: "SudoInRun",
  summary: "a step uses `sudo`, which needs a terminal or a password and hides who runs it",
  *check(file) {
    for (const { commands } of shellRuns(file)) {
      const uses = commands.filter(({ words }) => words[0]?.text === "sudo");
      const [first] = uses;
      const range = first?.words[0]?.range;
      if (first === undefined || range === undefined) continue;
      const user = userOf(first);
      const edits = uses.flatMap(withoutSudo);
      yield {
        range,
        message: "USER says who runs a step, and without one root does",
        hint:
          user === null
            ? "take sudo out, and write USER root before the step where it is needed"
            : `write what ${user} runs as a RUN of its own, behind USER ${user}`,
        fixes: edits.length === uses.length ? [{ title: "Take sudo out", edits, isSafe: false }] : [],
      };
    }
  },
};

/** The name behind `-u`; null when it is root. */
function userOf({ words }: LocatedCommand): string | null {
  const at = words.findIndex(({ text }) => /^(?:-[A-Za-z]*u|--user)$/.test(text));
  const joined = words.map(({ text }) => /^--user=(.+)$/.exec(text)?.[1]).find((name) => name !== undefined);
  const user = joined ?? (at === -1 ? undefined : words[at + 1]?.text);
  return user === undefined || user === "root" ? null : user;
}

/** None where sudo has options, which say something. */
function withoutSudo({ words: [sudo, next] }: LocatedCommand) {
  if (sudo === undefined || next === undefined || next.text.startsWith("-")) return [];
  return [{ range: { start: sudo.range.start, end: next.range.start }, newText: "" }];
}
