import { safeFix } from "../edits.ts";
import { actingInstruction } from "../linted-file.ts";
import type { Rule } from "../rule.ts";

const remoteOrArchive =
  /^(?:https?:|git:|ssh:|file:|git@)|\.(?:tar|tgz|tbz2?|txz|tzst|gz|bz2|xz|zst)$|[*?$[]/i;

export const addForLocalFile: Rule = {
  name: "AddForLocalFile",
  summary: "ADD only copies, which COPY does without a second meaning",
  *check({ tree }) {
    for (const instruction of tree.instructions) {
      const acting = actingInstruction(instruction);
      if (acting.kind !== "add" || acting.sources.some(({ text }) => remoteOrArchive.test(text))) continue;
      if (acting.flags.some(({ name }) => ["checksum", "unpack", "keep-git-dir"].includes(name.text)))
        continue;
      const { text, range } = acting.keyword;
      const copy = text === text.toLowerCase() ? "copy" : "COPY";
      // Whether a file without an archive's name is one, only its content tells.
      const isHeredoc = acting.sources.every((source) => source.text.startsWith("<<"));
      yield {
        range,
        message: "ADD unpacks archives and downloads; for plain files, COPY says what is meant",
        hint: `write ${copy}`,
        fixes: [{ ...safeFix(`Write ${copy}`, range, copy), isSafe: isHeredoc }],
      };
    }
  },
};
