import { didYouMean, nearestName } from "../diagnostics/suggest.ts";
import type { ArgInstruction, FromInstruction, Instruction, LightfileTree, Word } from "../lightfile/ast.ts";
import { startsStage } from "../lightfile/check-structure.ts";
import type { Findings } from "./findings.ts";

/** One `FROM` and the instructions up to the next. */
export interface StageText {
  /** From 0. */
  readonly index: number;
  /** Lower case; null without `AS`. */
  readonly name: string | null;
  readonly from: FromInstruction;
  readonly instructions: readonly Instruction[];
  /** True when instructions before the first FROM, which the parser has reported, are taken for the stage's. */
  readonly holdsOutsiders: boolean;
}

export interface StageTexts {
  /** `ARG`s before the first `FROM`. */
  readonly globalArguments: readonly ArgInstruction[];
  readonly stages: readonly StageText[];
}

/**
 * Cuts a file into its stages. So that the other mistakes of a file with parse errors are found, a misspelt FROM
 * starts a stage, too, and what stands before the first FROM goes into that stage, or into one of its own.
 */
export function splitStages(tree: LightfileTree, findings: Findings): StageTexts {
  const globalArguments: ArgInstruction[] = [];
  const stages: (StageText & { instructions: Instruction[] })[] = [];
  const named = new Map<string, StageText>();
  let outsiders: Instruction[] = [];
  const addStage = (from: FromInstruction): void => {
    const name = stageName(from, named, findings);
    const stage = {
      index: stages.length,
      name,
      from,
      instructions: outsiders,
      holdsOutsiders: outsiders.length > 0,
    };
    stages.push(stage);
    outsiders = [];
    if (name !== null) named.set(name, stage);
  };
  for (const instruction of tree.instructions) {
    const current = stages.at(-1);
    if (startsStage(instruction)) addStage(readFrom(instruction));
    else if (current !== undefined) current.instructions.push(instruction);
    else if (instruction.kind === "arg") globalArguments.push(instruction);
    else outsiders.push(instruction);
  }
  const [first] = outsiders;
  if (first !== undefined) addStage(readFrom(first));
  return { globalArguments, stages };
}

/** What an instruction in FROM's place says, as far as its words go. */
function readFrom(instruction: Instruction): FromInstruction {
  if (instruction.kind === "from") return instruction;
  const words: readonly Word[] =
    startsStage(instruction) && instruction.kind === "invalid" ? instruction.words : [];
  const [image = { text: "", range: instruction.keyword.range }, as, alias] = words;
  return {
    kind: "from",
    keyword: instruction.keyword,
    range: instruction.range,
    flags: [],
    heredocs: [],
    image,
    alias: as?.text.toUpperCase() === "AS" ? (alias ?? null) : null,
  };
}

function stageName(
  from: FromInstruction,
  earlier: ReadonlyMap<string, StageText>,
  findings: Findings,
): string | null {
  if (from.alias === null) return null;
  const name = from.alias.text.toLowerCase();
  const first = earlier.get(name);
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
  const indexes = indexesByName(stages).get(reference.toLowerCase()) ?? [];
  let low = 0;
  let high = indexes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((indexes[middle] ?? 0) < before) low = middle + 1;
    else high = middle;
  }
  const index = indexes[low - 1];
  return index === undefined ? undefined : stages[index];
}

const knownIndexes = new WeakMap<readonly StageText[], ReadonlyMap<string, readonly number[]>>();

function indexesByName(stages: readonly StageText[]): ReadonlyMap<string, readonly number[]> {
  const known = knownIndexes.get(stages);
  if (known !== undefined) return known;
  const indexes = new Map<string, number[]>();
  for (const { name, index } of stages) {
    if (name === null) continue;
    const same = indexes.get(name);
    if (same === undefined) indexes.set(name, [index]);
    else same.push(index);
  }
  knownIndexes.set(stages, indexes);
  return indexes;
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
