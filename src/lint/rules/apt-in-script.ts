import type { Rule } from "../rule.ts";
import { shellRuns } from "../shell/run-commands.ts";

/** What both programs know. */
const common = new Set(["install", "update", "upgrade", "remove", "purge", "autoremove", "clean"]);

export const aptInScript: Rule = {
  name: "AptInScript",
  summary: "`apt` is for people at a terminal, and says itself that scripts should not use it",
  *check(file) {
    for (const { commands } of shellRuns(file)) {
      const uses = commands.flatMap(({ program, words, arguments: rest }) => {
        const range = words.find(({ text }) => text === "apt")?.range;
        if (program !== "apt" || range === undefined) return [];
        return [{ range, isCommon: common.has(rest.find(({ text }) => !text.startsWith("-"))?.text ?? "") }];
      });
      const [first] = uses;
      if (first === undefined) continue;
      const edits = uses
        .filter(({ isCommon }) => isCommon)
        .map(({ range }) => ({ range, newText: "apt-get" }));
      yield {
        range: first.range,
        message: "apt is made for a terminal, and its options and output change between versions",
        hint: "write apt-get, or apt-cache",
        fixes: edits.length === 0 ? [] : [{ title: "Write apt-get", edits, isSafe: true }],
      };
    }
  },
};
