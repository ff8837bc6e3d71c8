import { type Diagnosed, hasErrors } from "../diagnostics/diagnostic.ts";
import type { Range, SourceFile } from "../diagnostics/source-file.ts";
import { type Draft, draftStages } from "./draft-stages.ts";
import type { FileRequest, Program } from "./link/program.ts";
import type { PlanOptions } from "./plan-options.ts";
import { type StageText, stageHint } from "./stages.ts";

/** An image that has to be looked up before steps can be planned. */
export interface BaseReference {
  /** After expansion, e.g. `debian:12`. */
  readonly reference: string;
  /** The first place that names it. */
  readonly source: SourceFile;
  readonly range: Range;
  /** What to say when there is no such image: the stage that may have been meant. */
  readonly hint: string | null;
}

export interface References {
  /** Lightfiles that are not in the program yet: to be read before anything else. */
  readonly files: readonly FileRequest[];
  /** Images, each once; whole when no file is missing. */
  readonly images: readonly BaseReference[];
}

/**
 * The files and images that the target needs, and every error that can be told before images are looked up:
 * {@link planSteps}, which reads the files again with the images at hand, tells them all once more, and warnings.
 */
export function findReferences(program: Program, options: PlanOptions): Diagnosed<References> {
  const draft = draftStages(program, options, null);
  const images = new Map<string, BaseReference>();
  for (const image of imagesOf(draft)) {
    if (!images.has(image.reference)) images.set(image.reference, image);
  }
  const errors = draft.diagnostics.filter((diagnostic) => hasErrors([diagnostic]));
  return { value: { files: draft.missing, images: [...images.values()] }, diagnostics: errors };
}

/** Every place that names an image, in the order of the stages. */
export function imagesOf(draft: Draft): readonly BaseReference[] {
  return draft.stages.flatMap(({ base, file, text, sources }) => {
    const own = { source: base, text: file.tree.source, range: text.from.image.range };
    return [own, ...sources].flatMap(({ source, text: named, range }): readonly BaseReference[] =>
      source?.kind === "image"
        ? [toReference(source.reference, { source: named, range }, draft.allStages)]
        : [],
    );
  });
}

function toReference(
  reference: string,
  place: Pick<BaseReference, "source" | "range">,
  stages: readonly StageText[],
): BaseReference {
  return { reference, ...place, hint: stageHint(reference, stages) ?? null };
}
