import type { EnvInstruction, LabelInstruction, NamedValue } from "../../lightfile/ast.ts";
import type { StageBuilder } from "../stage-builder.ts";
import { emptyWordHint } from "./flags.ts";

/** The expanded pairs, all read before any of them is set; a pair with a mistake is left out. */
function expandPairs(stage: StageBuilder, pairs: readonly NamedValue[]): readonly [string, string][] {
  return pairs.flatMap((pair) => {
    const expanded = stage.scope.alone(() => expandPair(stage, pair));
    return expanded === null ? [] : [expanded];
  });
}

function expandPair(stage: StageBuilder, pair: NamedValue): [string, string] | null {
  const name = stage.scope.expand(pair.name.text, pair.name.range);
  const value = stage.scope.expand(pair.value.text, pair.value.range);
  if (name === null || value === null) return null;
  if (name !== "") return [name, value];
  stage.findings.error("BlankName", "a name must not be empty", pair.name.range, { hint: emptyWordHint });
  return null;
}

export function readEnvironment(stage: StageBuilder, instruction: EnvInstruction): void {
  const pairs = expandPairs(stage, instruction.pairs);
  for (const [name, value] of pairs) {
    stage.setEnvironment(name, value);
  }
}

export function readLabel(stage: StageBuilder, instruction: LabelInstruction): void {
  for (const [name, value] of expandPairs(stage, instruction.pairs)) stage.labels.set(name, value);
}
