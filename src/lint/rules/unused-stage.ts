import { earlierStage } from "../earlier-stages.ts";
import type { LintedFile, StageBlock } from "../linted-file.ts";
import { isTarget } from "../needed-stages.ts";
import { misspeltStage, stageReferences } from "../references.ts";
import type { Rule } from "../rule.ts";

export const unusedStage: Rule = {
  name: "UnusedStage",
  summary: "no other stage needs a stage, and nothing says that it is a target",
  needsWholeFile: true,
  *check(file) {
    const used = usedStages(file);
    for (const stage of file.stages.slice(0, -1)) {
      if (used.has(stage) || isTarget(stage)) continue;
      const name = stage.name === null ? `stage ${stage.index}` : `stage ${stage.name}`;
      yield {
        range: stage.head.alias?.range ?? stage.head.image.range,
        message: `nothing uses ${name}`,
        hint: "remove it; a stage that is baked with --target says so by a SNAPSHOT or a TEST",
      };
    }
  },
};

function usedStages(file: LintedFile): ReadonlySet<StageBlock> {
  const used = new Set<StageBlock>();
  let lastVariable = 0;
  for (const stage of file.stages) {
    for (const { text } of stageReferences(stage)) {
      if (text.includes("$")) lastVariable = stage.index;
      const found = earlierStage(file, misspeltStage(file, text, stage.index) ?? text, stage.index);
      if (found !== undefined) used.add(found);
    }
  }
  // A variable may stand for any stage before it.
  for (const stage of file.stages.slice(0, lastVariable)) used.add(stage);
  return used;
}
