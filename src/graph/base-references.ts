import { type Diagnosed, hasErrors } from "../diagnostics/diagnostic.ts";
import type { Range } from "../diagnostics/source-file.ts";
import type { LightfileTree } from "../lightfile/ast.ts";
import { draftStages } from "./draft-stages.ts";
import type { PlanOptions } from "./plan-options.ts";
import { type StageText, stageHint } from "./stages.ts";

/** An image that has to be looked up before steps can be planned. */
export interface BaseReference {
  /** After expansion, e.g. `debian:12`. */
  readonly reference: string;
  /** The first place that names it. */
  readonly range: Range;
  /** What to say when there is no such image: the stage that may have been meant. */
  readonly hint: string | null;
}

/**
 * The images that the target needs, each once, and every error that can be told before they are looked up:
 * {@link planSteps}, which reads the file again with the images at hand, tells them all once more, and warnings.
 */
export function findBaseReferences(
  tree: LightfileTree,
  options: PlanOptions,
): Diagnosed<readonly BaseReference[]> {
  const draft = draftStages(tree, options, null);
  const references = new Map<string, BaseReference>();
  for (const stage of draft.stages) {
    const sources = [{ source: stage.base, range: stage.text.from.image.range }, ...stage.sources];
    for (const { source, range } of sources) {
      if (source?.kind !== "image" || references.has(source.reference)) continue;
      references.set(source.reference, toReference(source.reference, range, draft.allStages));
    }
  }
  const errors = draft.diagnostics.filter((diagnostic) => hasErrors([diagnostic]));
  return { value: [...references.values()], diagnostics: errors };
}

function toReference(reference: string, range: Range, stages: readonly StageText[]): BaseReference {
  return { reference, range, hint: stageHint(reference, stages) ?? null };
}
