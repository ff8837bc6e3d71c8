import { baseStage } from "../earlier-stages.ts";
import type { LintedFile, StageBlock } from "../linted-file.ts";
import type { Rule } from "../rule.ts";

export const workdirRelativePath: Rule = {
  name: "WorkdirRelativePath",
  summary: "a relative WORKDIR stands on a directory that only the base image knows",
  *check(file) {
    for (const stage of file.stages) {
      for (const instruction of stage.instructions) {
        if (instruction.kind !== "workdir") continue;
        const { text, range } = instruction.path;
        // That it is empty is an error of its own.
        if (text === '""' || text === "''") continue;
        if (isAbsolute(text) || hasAbsoluteDirectory(file, stage)) break;
        // A path of Windows is another mistake, which the base shows.
        if (/^["']?[A-Za-z]:/.test(text)) break;
        // TildeNotExpanded says more.
        if (/^["']?~/.test(text)) break;
        yield {
          range,
          message: `${text} is relative, and to what depends on the base image`,
          hint: `write the whole path, e.g. WORKDIR /${text.replace(/^["']|["']$/g, "").replace(/^\.{1,2}(?:\/|$)/, "") || "app"}`,
        };
        // Whatever comes after the first one stands on that.
        break;
      }
    }
  },
};

/** What begins with a variable may be absolute. */
function isAbsolute(path: string): boolean {
  return /^["']?(?:\/|\$)/.test(path);
}

function hasAbsoluteDirectory(file: LintedFile, stage: StageBlock): boolean {
  for (let base = baseStage(file, stage); base !== undefined; base = baseStage(file, base)) {
    const isSet = base.instructions.some((one) => one.kind === "workdir" && isAbsolute(one.path.text));
    if (isSet) return true;
  }
  return false;
}
