import type {
  FromInstruction,
  Instruction,
  LightfileTree,
  MixinInstruction,
  Word,
} from "../lightfile/ast.ts";

/** A stage, a mixin, or what stands outside both: the part of a file in which a variable's name has one meaning. */
export interface Block {
  readonly index: number;
  /** What starts it; null for what stands outside of stages and mixins. */
  readonly head: FromInstruction | MixinInstruction | null;
  readonly instructions: readonly Instruction[];
}

/** The first block is that of the instructions outside of stages and mixins; the others follow in file order. */
export function blocksOf(tree: LightfileTree): readonly Block[] {
  const outside: Instruction[] = [];
  const blocks: Block[] = [{ index: 0, head: null, instructions: outside }];
  let current = outside;
  for (const instruction of tree.instructions) {
    if (instruction.kind === "from" || instruction.kind === "mixin") {
      current = [];
      blocks.push({ index: blocks.length, head: instruction, instructions: current });
    } else if (instruction.kind === "import") {
      outside.push(instruction);
      continue;
    }
    if (instruction.kind !== "from" && instruction.kind !== "mixin") current.push(instruction);
  }
  return blocks;
}

/** The block that an offset is in. */
export function blockAt(blocks: readonly Block[], offset: number): Block {
  let found = blocks[0] ?? { index: 0, head: null, instructions: [] };
  for (const block of blocks) {
    if (block.head !== null && block.head.range.start <= offset) found = block;
  }
  return found;
}

/** Names of stages, mixins and imports ignore case. */
export function sameName(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}

/** The stage before `before` (a block's index) that a name or a number means. */
export function findStage(blocks: readonly Block[], name: string, before: number): Block | undefined {
  const stages = blocks.filter((block) => block.head?.kind === "from");
  const named = stages.findLast(
    (stage) => stage.index < before && sameName(stageName(stage)?.text ?? "", name) && name !== "",
  );
  if (named !== undefined || !/^\d+$/.test(name)) return named;
  const numbered = stages[Number(name)];
  return numbered !== undefined && numbered.index < before ? numbered : undefined;
}

export function stageName(block: Block): Word | null {
  return block.head?.kind === "from" ? block.head.alias : null;
}

export function mixinName(block: Block): Word | null {
  return block.head?.kind === "mixin" ? block.head.name : null;
}

export function findMixin(blocks: readonly Block[], name: string): Block | undefined {
  return blocks.find((block) => sameName(mixinName(block)?.text ?? "", name) && name !== "");
}
