import { wholeText } from "../diagnostics/source-file.ts";
import { didYouMean, nearestName } from "../diagnostics/suggest.ts";
import type {
  ArgInstruction,
  FromInstruction,
  ImportInstruction,
  Instruction,
  LightfileTree,
  MixinInstruction,
  Word,
} from "../lightfile/ast.ts";
import { startedBlock } from "../lightfile/check-structure.ts";
import { Findings } from "./findings.ts";

/** One `FROM` and the instructions up to the next. */
export interface StageText {
  /** In its file, from 0. */
  readonly index: number;
  /** Lower case; null without `AS`. */
  readonly name: string | null;
  readonly from: FromInstruction;
  readonly instructions: readonly Instruction[];
  /** True when instructions before the first FROM, which the parser has reported, are taken for the stage's. */
  readonly holdsOutsiders: boolean;
}

/** One `MIXIN` and the instructions up to the next block. */
export interface MixinText {
  /** Lower case. */
  readonly name: string;
  readonly mixin: MixinInstruction;
  readonly instructions: readonly Instruction[];
}

/** What a file is made of. */
export interface FileTexts {
  /** `ARG`s before the first `FROM` or `MIXIN`. */
  readonly globalArguments: readonly ArgInstruction[];
  readonly stages: readonly StageText[];
  readonly mixins: readonly MixinText[];
  readonly imports: readonly ImportInstruction[];
}

/**
 * Cuts a file into its parts. So that the other mistakes of a file with parse errors are found, a misspelt FROM or
 * MIXIN starts its block, too, and what stands in no block goes into the next stage, or into one of its own.
 */
export function splitStages(tree: LightfileTree, findings: Findings): FileTexts {
  const globalArguments: ArgInstruction[] = [];
  const stages: StageText[] = [];
  const named = new Map<string, StageText>();
  const mixins: MixinText[] = [];
  const imports: ImportInstruction[] = [];
  /** The instructions of the block that is open; null outside of any. */
  let block: Instruction[] | null = null;
  let outsiders: Instruction[] = [];
  const addStage = (from: FromInstruction): Instruction[] => {
    const name = stageName(from, named, findings);
    const instructions = outsiders;
    const holdsOutsiders = outsiders.length > 0;
    const stage = { index: stages.length, name, from, instructions, holdsOutsiders };
    stages.push(stage);
    outsiders = [];
    if (name !== null) named.set(name, stage);
    return instructions;
  };
  for (const instruction of tree.instructions) {
    const started = startedBlock(instruction);
    if (started === "stage") block = addStage(readFrom(instruction));
    else if (started === "mixin") {
      block = [];
      mixins.push(readMixin(instruction, block));
    } else if (instruction.kind === "import") {
      imports.push(instruction);
      // Behind a FROM it is out of place and ends nothing, as the parser has it.
      if (stages.length === 0) block = null;
    } else if (block !== null) block.push(instruction);
    else if (instruction.kind === "arg" && mixins.length === 0) globalArguments.push(instruction);
    else outsiders.push(instruction);
  }
  const [first] = outsiders;
  if (first !== undefined) addStage(readFrom(first));
  return { globalArguments, stages, mixins, imports };
}

/** How many stages {@link splitStages} finds. */
export function countStages(tree: LightfileTree): number {
  return splitStages(tree, new Findings(tree.source)).stages.length;
}

/** What an instruction in FROM's place says, as far as its words go. */
function readFrom(instruction: Instruction): FromInstruction {
  if (instruction.kind === "from") return instruction;
  const [image = { text: "", range: instruction.keyword.range }, as = null, alias] =
    misspeltWords(instruction);
  const isAs = as?.text.toUpperCase() === "AS";
  return {
    kind: "from",
    keyword: instruction.keyword,
    range: instruction.range,
    flags: [],
    heredocs: [],
    image,
    as: isAs ? as : null,
    alias: isAs ? (alias ?? null) : null,
  };
}

/** What an instruction in MIXIN's place says. */
function readMixin(instruction: Instruction, instructions: readonly Instruction[]): MixinText {
  const { keyword, range } = instruction;
  const [name = { text: "", range: keyword.range }] = misspeltWords(instruction);
  const mixin: MixinInstruction =
    instruction.kind === "mixin"
      ? instruction
      : { kind: "mixin", keyword, range, flags: [], heredocs: [], name };
  return { name: mixin.name.text.toLowerCase(), mixin, instructions };
}

/** The words of an instruction whose name is misspelt where a block begins. */
function misspeltWords(instruction: Instruction): readonly Word[] {
  return instruction.kind === "invalid" && startedBlock(instruction) !== null ? instruction.words : [];
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
    findings.error("UnknownTarget", `no stage is named ${target}`, wholeText, {
      hint:
        didYouMean(target, names) ??
        (names.length === 0
          ? "the file names no stage: leave the target out"
          : `stages: ${names.join(", ")}`),
    });
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
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(reference)) return undefined;
  const names = stages.flatMap((stage) => (stage.name === null ? [] : [stage.name]));
  const nearest = nearestName(reference, names);
  if (nearest === undefined) return undefined;
  return `no stage is named ${reference}, so it is an image; did you mean the stage ${nearest}?`;
}

/** `stages: a, b`; undefined when there is nothing to name. */
export function nameWords(what: string, names: Iterable<string>): string | undefined {
  const words = [...new Set(names)];
  return words.length === 0 ? undefined : `${what}: ${words.join(", ")}`;
}

export function stageNames(stages: readonly StageText[]): readonly string[] {
  return stages.flatMap((stage) => (stage.name === null ? [] : [stage.name]));
}
