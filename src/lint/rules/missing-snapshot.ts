import type { Rule } from "../rule.ts";

export const missingSnapshot: Rule = {
  name: "MissingSnapshot",
  summary: "the last stage has no SNAPSHOT, so that a bake needs `--name`",
  needsWholeFile: true,
  *check({ stages }) {
    const last = stages.at(-1);
    if (last === undefined || last.instructions.some(({ kind }) => kind === "snapshot" || kind === "invalid"))
      return;
    yield {
      range: last.head.keyword.range,
      message: "nothing says under which name the last stage is published",
      hint: "write SNAPSHOT name at its end",
    };
  },
};
