import { defaultValues, expandWith } from "./default-values.ts";
import type { Block, LintedFile, StageBlock } from "./linted-file.ts";

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

const bottomImages = new WeakMap<StageBlock, string>();

/** The image that a stage stands on in the end, as far as the file says it; '' for a mixin. */
export function bottomImage(file: LintedFile, block: Block): string {
  if (block.kind !== "stage") return "";
  // Each stage of a long chain is gone through once.
  const chain: StageBlock[] = [];
  let at: StageBlock | undefined = block;
  while (at !== undefined && !bottomImages.has(at)) {
    chain.push(at);
    at = baseStage(file, at);
  }
  const bottom = chain.at(-1)?.head.image.text;
  const image =
    (at === undefined ? undefined : bottomImages.get(at)) ??
    expandWith(bottom ?? "", defaultValues(file), file.tree.escape) ??
    "";
  for (const one of chain) bottomImages.set(one, image);
  return image;
}

function namedStage({ stagesByName }: LintedFile, reference: string, before: number): StageBlock | undefined {
  return stagesByName.get(reference.toLowerCase())?.findLast((stage) => stage.index < before);
}
