import { safeFix } from "../edits.ts";
import type { Rule } from "../rule.ts";
import { shellRuns } from "../shell/run-commands.ts";

/** What both programs know. */
const common = new Set(["install", "update", "upgrade", "remove", "purge", "autoremove", "clean"]);

export const aptInScript: Rule = {
  name: "AptInScript",
  summary: "`apt` is for people at a terminal, and says itself that scripts should not use it",
  *check(file) {
    for (const { commands } of shellRuns(file)) {
      for (const { program, words, arguments: rest } of commands) {
        const word = words.find(({ text }) => text === "apt");
        if (program !== "apt" || word === undefined) continue;
        const isCommon = common.has(rest.find(({ text }) => !text.startsWith("-"))?.text ?? "");
        yield {
          range: word.range,
          message: "apt is made for a terminal, and its options and output change between versions",
          hint: "write apt-get, or apt-cache",
          fixes: isCommon ? [safeFix("Write apt-get", word.range, "apt-get")] : [],
        };
      }
    }
  },
};
