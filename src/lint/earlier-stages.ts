import { defaultValues, expandWith } from "./default-values.ts";
import type { LintedFile, StageBlock } from "./linted-file.ts";

/** The stage before `before` that has this name or number; the last one where several have the name. */
export function earlierStage(file: LintedFile, reference: string, before: number): StageBlock | undefined {
  if (/^\d+$/.test(reference)) return Number(reference) < before ? file.stages[Number(reference)] : undefined;
  return namedStage(file, reference, before);
}

/** The stage that this one is FROM, if it stands on one of this file; by what variables are without a command line. */
export function baseStage(file: LintedFile, stage: StageBlock): StageBlock | undefined {
  const reference = expandWith(stage.head.image.text, defaultValues(file), file.tree.escape);
  return reference === null ? undefined : namedStage(file, reference, stage.index);
}

function namedStage({ stagesByName }: LintedFile, reference: string, before: number): StageBlock | undefined {
  return stagesByName.get(reference.toLowerCase())?.findLast((stage) => stage.index < before);
}
