import type {
  ArgInstruction,
  FromInstruction,
  ImportInstruction,
  Instruction,
  LightfileTree,
  MixinInstruction,
} from "../lightfile/ast.ts";

interface BlockBase {
  /** Without the head. */
  readonly instructions: readonly Instruction[];
}

export interface StageBlock extends BlockBase {
  readonly kind: "stage";
  readonly head: FromInstruction;
  /** Lower case; null without `AS`. */
  readonly name: string | null;
  /** From 0, among the stages. */
  readonly index: number;
}

export interface MixinBlock extends BlockBase {
  readonly kind: "mixin";
  readonly head: MixinInstruction;
  /** Lower case. */
  readonly name: string;
}

/** A stage or a mixin: what its first line starts. */
export type Block = StageBlock | MixinBlock;

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
  /** In file order; more than one where several have a name. */
  readonly stagesByName: ReadonlyMap<string, readonly StageBlock[]>;
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
  const stagesByName = new Map<string, readonly StageBlock[]>();
  const blocks: Block[] = [];
  let current: Instruction[] | null = null;
  for (const instruction of tree.instructions) {
    if (instruction.kind === "from") {
      current = [];
      const name = instruction.alias?.text.toLowerCase() ?? null;
      const stage = {
        kind: "stage" as const,
        head: instruction,
        name,
        index: stages.length,
        instructions: current,
      };
      stages.push(stage);
      if (name !== null) stagesByName.set(name, [...(stagesByName.get(name) ?? []), stage]);
      blocks.push(stage);
    } else if (instruction.kind === "mixin") {
      current = [];
      blocks.push({
        kind: "mixin",
        head: instruction,
        name: instruction.name.text.toLowerCase(),
        instructions: current,
      });
    } else if (instruction.kind === "import") {
      // An IMPORT ends a mixin; the stages follow.
      imports.push(instruction);
      current = null;
    } else if (current !== null) current.push(instruction);
    else if (instruction.kind === "arg") globalArguments.push(instruction);
  }
  return { tree, ...setting, globalArguments, imports, stages, stagesByName, blocks };
}

/** What the ARGs before the first stage declare. */
export function globalNames({ globalArguments }: LintedFile): ReadonlySet<string> {
  return new Set(globalArguments.flatMap((one) => one.declarations.map(({ name }) => name.text)));
}

/** The ARGs before the first stage that a bake has to be given: what rests on them is not known without. */
export function requiredNames({ globalArguments, buildArguments }: LintedFile): ReadonlySet<string> {
  const required = globalArguments.filter(({ flags }) =>
    flags.some(({ name, value }) => name.text === "required" && value?.text.toLowerCase() !== "false"),
  );
  const names = required.flatMap(({ declarations }) => declarations.map(({ name }) => name.text));
  return new Set(names.filter((name) => !Object.hasOwn(buildArguments, name)));
}

/** An instruction, or the one that ONBUILD keeps for later. */
export function actingInstruction(instruction: Instruction): Instruction {
  return instruction.kind === "onbuild" ? instruction.trigger : instruction;
}
