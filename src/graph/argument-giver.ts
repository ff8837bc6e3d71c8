import type { Range } from "../diagnostics/source-file.ts";
import type { Findings } from "./findings.ts";

/** Who gives ARGs their values: whoever bakes, another file that joins this one, or the USE of a mixin. */
export type ArgumentGiver = "bake" | "joining-file" | UsePlace;

/** A USE, and what it says about the mixin's parameters. */
export interface UsePlace {
  /** Of the text that the USE stands in. */
  readonly findings: Findings;
  /** Of the mixin's name. */
  readonly range: Range;
  /** The mixin as it is written there. */
  readonly mixin: string;
  /** Where the values stand, by the parameter's name. */
  readonly values: ReadonlyMap<string, Range>;
}
