import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Failure } from "../diagnostics/failure.ts";
import { checkedDiagnostics } from "../graph/checked-diagnostics.ts";
import { type Draft, draftStages } from "../graph/draft-stages.ts";
import type { Program } from "../graph/link/program.ts";
import type { PlanOptions } from "../graph/plan-options.ts";
import { type LoadOptions, loadProgram } from "./load-program.ts";

export interface PlannedJoined {
  /** All stages of the file, and what they need of other files. */
  readonly draft: Draft;
  /** About the file itself; which of its warnings count is not decided. */
  readonly own: readonly Diagnostic[];
  /** About the files that it names, as far as their own comments let them count. */
  readonly elsewhere: readonly Diagnostic[];
  /** Repositories that could not be had; each is among the diagnostics. */
  readonly troubles: readonly Failure[];
}

/**
 * What planning says of a file and of the Lightfiles that it names, before images are looked at.
 * @throws Failure `GitMissing`; the signal's reason when aborted
 */
export async function planJoined(
  program: Program,
  planOptions: PlanOptions,
  options: Omit<LoadOptions, "onTrouble">,
): Promise<PlannedJoined> {
  const everyStage = { ...planOptions, everyStage: true };
  const troubles: Failure[] = [];
  const onTrouble = (trouble: Failure): void => void troubles.push(trouble);
  const loaded = await loadProgram(program, everyStage, { ...options, onTrouble });
  const draft = draftStages(program, everyStage, null);
  const all = [
    ...loaded.whileReading,
    ...troubles.flatMap(({ diagnostics }) => diagnostics),
    ...draft.diagnostics,
  ];
  const isOwn = ({ source }: Diagnostic): boolean => source === program.entry.tree.source;
  const elsewhere = all.filter((diagnostic) => !isOwn(diagnostic));
  return {
    draft,
    own: all.filter(isOwn),
    elsewhere: checkedDiagnostics(program, elsewhere),
    troubles,
  };
}
