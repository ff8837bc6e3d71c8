import type { Fix } from "../../diagnostics/fix.ts";
import type { Word } from "../../lightfile/ast.ts";
import { proposedFix } from "../edits.ts";
import type { Rule } from "../rule.ts";
import { inheritedShell } from "../shell/run-commands.ts";

export const jsonArgsRecommended: Rule = {
  name: "JSONArgsRecommended",
  summary: "CMD or ENTRYPOINT is a command line, so that a shell stands between it and signals",
  *check(file) {
    for (const block of file.blocks) {
      // Whoever chose a shell wants it.
      let hasOwnShell = inheritedShell(file, block).join(" ") !== "/bin/sh -c";
      for (const instruction of block.instructions) {
        if (instruction.kind === "shell") hasOwnShell = true;
        if (instruction.kind !== "cmd" && instruction.kind !== "entrypoint") continue;
        const { command, keyword } = instruction;
        if (command.form !== "shell" || hasOwnShell) continue;
        // The program takes the place of the shell; or it was to be an array, and is a mistake.
        if (/^\s*(?:exec\s|\[\s*")/.test(command.line.text)) continue;
        const word = keyword.text.toUpperCase();
        yield {
          range: command.line.range,
          message: `a shell runs this ${word}, and signals end the shell, not the program`,
          hint: /[$;&|<>`*?~]/.test(command.line.text)
            ? `write a JSON array, ${word} ["program", "argument"]; where it needs the shell, exec before the program: ${word} exec program …`
            : `write a JSON array: ${word} ["program", "argument"]`,
          fixes: asArray(command.line),
        };
      }
    }
  },
};

/** Only where no shell is needed to understand the line. */
function asArray(line: Word): readonly Fix[] {
  if (!/^[\w@%+=:,./ \t-]+$/.test(line.text)) return [];
  const argv = line.text.trim().split(/[ \t]+/);
  const array = `[${argv.map((word) => JSON.stringify(word)).join(", ")}]`;
  return [proposedFix("Write it as a JSON array", line.range, array)];
}
