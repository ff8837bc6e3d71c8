import { didYouMean, nearestName } from "../diagnostics/suggest.ts";
import type { ArgInstruction, FromInstruction, Instruction, LightfileTree } from "../lightfile/ast.ts";
import type { Findings } from "./findings.ts";

/** One `FROM` and the instructions up to the next. */
export interface StageText {
  /** From 0. */
  readonly index: number;
  /** Lower case; null without `AS`. */
  readonly name: string | null;
  readonly from: FromInstruction;
  readonly instructions: readonly Instruction[];
}

export interface StageTexts {
  /** `ARG`s before the first `FROM`. */
  readonly globalArguments: readonly ArgInstruction[];
  readonly stages: readonly StageText[];
}

/** Cuts a file into its stages. What stands before the first has been reported by the parser. */
export function splitStages(tree: LightfileTree, findings: Findings): StageTexts {
  const globalArguments: ArgInstruction[] = [];
  const stages: (StageText & { instructions: Instruction[] })[] = [];
  for (const instruction of tree.instructions) {
    const current = stages.at(-1);
    if (instruction.kind === "from") {
      const name = stageName(instruction, stages, findings);
      stages.push({ index: stages.length, name, from: instruction, instructions: [] });
    } else if (current !== undefined) {
      current.instructions.push(instruction);
    } else if (instruction.kind === "arg") {
      globalArguments.push(instruction);
    }
  }
  return { globalArguments, stages };
}

function stageName(from: FromInstruction, earlier: readonly StageText[], findings: Findings): string | null {
  if (from.alias === null) return null;
  const name = from.alias.text.toLowerCase();
  const first = findNamedStage(earlier, name, earlier.length);
  if (first !== undefined) {
    findings.warning("DuplicateStageName", `there is a stage named ${name} already`, from.alias.range, {
      hint: "references after this line mean this stage",
      related: [{ message: "first defined here", source: findings.source, range: first.from.range }],
    });
  }
  return name;
}

/** The target stage by name (any case) or number; the last one when nobody asked. */
export function findTarget(
  stages: readonly StageText[],
  target: string | null,
  findings: Findings,
): StageText | null {
  if (target === null) return stages.at(-1) ?? null;
  const named = findStage(stages, target);
  if (named !== undefined) return named;
  if (stages.length > 0) {
    const names = stages.flatMap((stage) => (stage.name === null ? [] : [stage.name]));
    findings.error(
      "UnknownTarget",
      `no stage is named ${target}`,
      { start: 0, end: 0 },
      {
        hint:
          didYouMean(target, names) ??
          (names.length === 0
            ? "the file names no stage: leave the target out"
            : `stages: ${names.join(", ")}`),
      },
    );
  }
  return null;
}

/** By name, the last of that name, or by number. */
export function findStage(stages: readonly StageText[], reference: string): StageText | undefined {
  return findEarlierStage(stages, reference, stages.length);
}

/** As {@link findStage}, among the stages before the one with the index `before`. */
export function findEarlierStage(
  stages: readonly StageText[],
  reference: string,
  before: number,
): StageText | undefined {
  if (/^\d+$/.test(reference)) {
    const index = Number(reference);
    return index < before ? stages[index] : undefined;
  }
  return findNamedStage(stages, reference, before);
}

/** The last stage of that name (in any case) before the one with the index `before`. */
export function findNamedStage(
  stages: readonly StageText[],
  reference: string,
  before: number,
): StageText | undefined {
  const name = reference.toLowerCase();
  for (let index = before - 1; index >= 0; index -= 1) {
    if (stages[index]?.name === name) return stages[index];
  }
  return undefined;
}

/** What the ids of a stage's steps begin with: its name, or its number where that is not clear. */
export function stageLabel(stage: StageText, stages: readonly StageText[]): string {
  if (stage.name === null) return String(stage.index);
  return findNamedStage(stages, stage.name, stage.index) === undefined ? stage.name : String(stage.index);
}

/** The stage that a name without tag, registry or path may have been meant for. */
export function stageHint(reference: string, stages: readonly StageText[]): string | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(reference)) return undefined;
  const names = stages.flatMap((stage) => (stage.name === null ? [] : [stage.name]));
  const nearest = nearestName(reference, names);
  if (nearest === undefined) return undefined;
  return `no stage is named ${reference}, so it is an image; did you mean the stage ${nearest}?`;
}
