import type { DefinitionOn, PlannedStep, StageReference } from "./plan.ts";

/** Where a `COPY --from` reads. An image is known by reference until it has been looked up. */
export type StageSource = StageReference<ImageReference>;

/** An image that has not been looked up. */
export interface ImageReference {
  readonly reference: string;
}

/** A step whose images are still references: what is planned before images are looked up. */
export type DraftDefinition = DefinitionOn<ImageReference>;

export type DraftStep = Omit<PlannedStep, "definition"> & { readonly definition: DraftDefinition };
