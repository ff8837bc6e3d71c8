import { didYouMean, nearestName } from "../diagnostics/suggest.ts";
import type {
  ArgInstruction,
  FromInstruction,
  ImportInstruction,
  Instruction,
  LightfileTree,
  MixinInstruction,
} from "../lightfile/ast.ts";
import type { Findings } from "./findings.ts";

/** One `FROM` and the instructions up to the next. */
export interface StageText {
  /** In its file, from 0. */
  readonly index: number;
  /** Lower case; null without `AS`. */
  readonly name: string | null;
  readonly from: FromInstruction;
  readonly instructions: readonly Instruction[];
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

/** Cuts a file into its parts. What stands in none has been reported by the parser. */
export function splitStages(tree: LightfileTree, findings: Findings): FileTexts {
  const globalArguments: ArgInstruction[] = [];
  const stages: StageText[] = [];
  const mixins: MixinText[] = [];
  const imports: ImportInstruction[] = [];
  /** The instructions of the block that is open; null outside of any. */
  let block: Instruction[] | null = null;
  let isBeforeBlocks = true;
  for (const instruction of tree.instructions) {
    switch (instruction.kind) {
      case "from": {
        const name = stageName(instruction, stages, findings);
        block = [];
        stages.push({ index: stages.length, name, from: instruction, instructions: block });
        break;
      }
      case "mixin":
        block = [];
        mixins.push({ name: instruction.name.text.toLowerCase(), mixin: instruction, instructions: block });
        break;
      case "import":
        block = null;
        imports.push(instruction);
        break;
      default:
        if (block !== null) block.push(instruction);
        else if (instruction.kind === "arg" && isBeforeBlocks) globalArguments.push(instruction);
    }
    if (block !== null) isBeforeBlocks = false;
  }
  return { globalArguments, stages, mixins, imports };
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

/** `stages: a, b`; undefined when there is nothing to name. */
export function nameWords(what: string, names: Iterable<string>): string | undefined {
  const words = [...new Set(names)];
  return words.length === 0 ? undefined : `${what}: ${words.join(", ")}`;
}

export function stageNames(stages: readonly StageText[]): readonly string[] {
  return stages.flatMap((stage) => (stage.name === null ? [] : [stage.name]));
}
