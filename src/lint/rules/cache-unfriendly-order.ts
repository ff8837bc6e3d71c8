import type { CopyInstruction } from "../../lightfile/ast.ts";
import type { Block, LintedFile } from "../linted-file.ts";
import type { Rule } from "../rule.ts";
import { installsPackages } from "../shell/packages.ts";
import { shellRunsOf } from "../shell/run-commands.ts";

export const cacheUnfriendlyOrder: Rule = {
  name: "CacheUnfriendlyOrder",
  summary:
    "the whole context is copied before packages are installed, so that any change installs them again",
  *check(file) {
    for (const block of file.blocks) {
      const copy = block.instructions.find(copiesEverything);
      if (copy === undefined) continue;
      const install = firstInstallAfter(file, block, copy);
      if (install === undefined) continue;
      yield {
        range: copy.range,
        message: "each change of any file makes the packages below be installed again",
        hint: "copy what lists the packages first, install them, then copy the rest",
        related: [{ message: "packages are installed here", range: install }],
      };
    }
  },
};

function copiesEverything(instruction: Block["instructions"][number]): instruction is CopyInstruction {
  if (instruction.kind !== "copy" && instruction.kind !== "add") return false;
  if (instruction.flags.some(({ name }) => name.text === "from")) return false;
  return instruction.sources.some(({ text }) => /^(?:\.\/?|\/|\.\/\*|\*)$/.test(text));
}

/** What was installed before, from the lists that were copied first, is there: little is left for a second time. */
function firstInstallAfter(file: LintedFile, block: Block, copy: CopyInstruction) {
  const before = new Set<string>();
  for (const { run, commands } of shellRunsOf(file, block)) {
    const installs = commands.filter(installsPackages);
    if (run.range.start < copy.range.start) for (const { program } of installs) before.add(program);
    else {
      const install = installs.find(({ program }) => !before.has(program));
      if (install !== undefined) return install.range;
    }
  }
  return undefined;
}
