import type {
  ArgInstruction,
  FromInstruction,
  ImportInstruction,
  Instruction,
  LightfileTree,
  MixinInstruction,
} from "../lightfile/ast.ts";

/** A stage or a mixin: what its first line starts. */
export interface Block {
  readonly head: FromInstruction | MixinInstruction;
  /** Lower case; null for a stage without `AS`. */
  readonly name: string | null;
  /** Without the head. */
  readonly instructions: readonly Instruction[];
}

export interface StageBlock extends Block {
  readonly head: FromInstruction;
  /** From 0, among the stages. */
  readonly index: number;
}

/** What the rules see of a file. */
export interface LintedFile {
  readonly tree: LightfileTree;
  /** Of the bake that is imagined, e.g. `linux/amd64`. */
  readonly platform: string;
  readonly buildArguments: Readonly<Record<string, string>>;
  /** Those before the first stage or mixin. */
  readonly globalArguments: readonly ArgInstruction[];
  readonly imports: readonly ImportInstruction[];
  readonly stages: readonly StageBlock[];
  /** Stages and mixins, in file order. */
  readonly blocks: readonly Block[];
}

export interface LintSetting {
  readonly platform: string;
  readonly buildArguments: Readonly<Record<string, string>>;
}

/** Cuts a file into its blocks. What stands outside of them has been reported by the parser. */
export function toLintedFile(tree: LightfileTree, setting: LintSetting): LintedFile {
  const globalArguments: ArgInstruction[] = [];
  const imports: ImportInstruction[] = [];
  const stages: StageBlock[] = [];
  const blocks: Block[] = [];
  let current: Instruction[] | null = null;
  for (const instruction of tree.instructions) {
    if (instruction.kind === "from") {
      current = [];
      const name = instruction.alias?.text.toLowerCase() ?? null;
      const stage = { head: instruction, name, index: stages.length, instructions: current };
      stages.push(stage);
      blocks.push(stage);
    } else if (instruction.kind === "mixin") {
      current = [];
      blocks.push({ head: instruction, name: instruction.name.text.toLowerCase(), instructions: current });
    } else if (instruction.kind === "import") {
      // An IMPORT ends a mixin; the stages follow.
      imports.push(instruction);
      current = null;
    } else if (current !== null) current.push(instruction);
    else if (instruction.kind === "arg") globalArguments.push(instruction);
  }
  return { tree, ...setting, globalArguments, imports, stages, blocks };
}

/** The stage before `before` that has this name or number; the last one where several have the name. */
export function earlierStage(file: LintedFile, reference: string, before: number): StageBlock | undefined {
  if (/^\d+$/.test(reference)) return Number(reference) < before ? file.stages[Number(reference)] : undefined;
  const name = reference.toLowerCase();
  return file.stages.findLast((stage) => stage.index < before && stage.name === name);
}

/** The stage that this one is FROM, if it stands on one of this file. */
export function baseStage(file: LintedFile, stage: StageBlock): StageBlock | undefined {
  const name = stage.head.image.text.toLowerCase();
  return file.stages.findLast((one) => one.index < stage.index && one.name === name);
}

/** An instruction, or the one that ONBUILD keeps for later. */
export function actingInstruction(instruction: Instruction): Instruction {
  return instruction.kind === "onbuild" ? instruction.trigger : instruction;
}
