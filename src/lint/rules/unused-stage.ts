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
    const unused = file.stages.slice(0, -1).filter((stage) => !used.has(stage) && !isTarget(stage));
    const [first, ...others] = unused;
    if (first === undefined) return;
    if (others.length > 0 && !file.stages.some(isTarget)) {
      // In a Dockerfile, stages that nothing uses are targets nearly always: it is said once, and what to do then.
      yield {
        range: rangeOf(first),
        message: `nothing uses ${listed(unused.map(nameOf))}`,
        hint: "give a SNAPSHOT or a TEST to each that is baked with --target, and remove the rest",
      };
      return;
    }
    for (const stage of unused) {
      yield {
        range: rangeOf(stage),
        message: `nothing uses stage ${nameOf(stage)}`,
        hint: "remove it; a stage that is baked with --target says so by a SNAPSHOT or a TEST",
      };
    }
  },
};

function rangeOf({ head }: StageBlock) {
  return head.alias?.range ?? head.image.range;
}

function nameOf({ name, index }: StageBlock): string {
  return name ?? String(index);
}

const mostNamed = 5;

function listed(names: readonly string[]): string {
  const shown = names.slice(0, names.length > mostNamed + 1 ? mostNamed : names.length - 1);
  const rest = names.slice(shown.length);
  return `the stages ${shown.join(", ")} and ${rest.length === 1 ? rest[0] : `${rest.length} more`}`;
}

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
