import type { StepId } from "../../model/identifiers.ts";

/** A word per step, e.g. `cached`, shown beside it. */
export type StepStatuses = ReadonlyMap<StepId, string>;
