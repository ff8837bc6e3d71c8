import { defaultValues, expandWith } from "./default-values.ts";
import { baseStage, earlierStage } from "./earlier-stages.ts";
import type { LintedFile, StageBlock } from "./linted-file.ts";
import { stageReferences } from "./references.ts";

const known = new WeakMap<LintedFile, ReadonlySet<StageBlock>>();

/** The stages that a bake comes to that names no target, or one that a SNAPSHOT or TEST shows to be one. */
export function neededStages(file: LintedFile): ReadonlySet<StageBlock> {
  const needed = known.get(file) ?? findNeeded(file);
  known.set(file, needed);
  return needed;
}

/** A stage that nothing needs may still be meant as a target of its own. */
export function isTarget({ instructions }: StageBlock): boolean {
  return instructions.some(({ kind }) => kind === "snapshot" || kind === "test");
}

/** The stages whose layers a result has: the targets, and those that they are FROM. What is copied leaves them behind. */
export function stagesInResults(file: LintedFile): ReadonlySet<StageBlock> {
  const inResults = new Set<StageBlock>();
  const last = file.stages.at(-1);
  for (const target of file.stages.filter((stage) => stage === last || isTarget(stage))) {
    let at: StageBlock | undefined = target;
    while (at !== undefined && !inResults.has(at)) {
      inResults.add(at);
      at = baseStage(file, at);
    }
  }
  return inResults;
}

function findNeeded(file: LintedFile): ReadonlySet<StageBlock> {
  const last = file.stages.at(-1);
  const needed = new Set(file.stages.filter((stage) => stage === last || isTarget(stage)));
  // A stage needs only those before it.
  for (const stage of file.stages.toReversed()) {
    if (!needed.has(stage)) continue;
    for (const { text } of stageReferences(stage)) {
      const isBase = text === stage.head.image.text;
      const reference = isBase ? expandWith(text, defaultValues(file), file.tree.escape) : text;
      if (reference === null || reference.includes("$")) {
        // Only a bake knows its value: it may stand for any stage before.
        for (const one of file.stages.slice(0, stage.index)) needed.add(one);
        continue;
      }
      const found = earlierStage(file, reference, stage.index);
      if (found !== undefined) needed.add(found);
    }
  }
  return needed;
}
