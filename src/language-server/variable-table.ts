import { definedIn } from "../lightfile/variable-words.ts";
import { type Block, findMixin, findStage, stageName } from "./blocks.ts";
import { splitReference } from "./references-to-files.ts";

/**
 * Which variables of different blocks are one. A stage inherits those of the stage that it stands on, those that a
 * mixin sets are the user's too, and an ARG of a stage is the one of the same name outside of stages: whoever renames
 * one means them all.
 */
export class VariableTable {
  private readonly blocks: readonly Block[];
  /** Names by block. */
  private readonly defined: readonly ReadonlyMap<string, "argument" | "variable">[];
  private readonly parents: readonly (readonly number[])[];
  private readonly links = new Map<string, string>();

  constructor(blocks: readonly Block[]) {
    this.blocks = blocks;
    this.defined = blocks.map((block) => {
      const names = new Map<string, "argument" | "variable">();
      for (const instruction of block.instructions) {
        for (const { text } of definedIn(instruction)) {
          names.set(text, instruction.kind === "arg" ? (names.get(text) ?? "argument") : "variable");
        }
      }
      return names;
    });
    this.parents = blocks.map((block) => this.parentsOf(block));
    this.linkSameNames();
  }

  /** The symbol of a name in a block; undefined when nothing there or above declares it. */
  resolve(block: number, name: string): string | undefined {
    const owner = this.owner(block, name, new Set());
    return owner === undefined ? undefined : `variable:${this.root(key(owner, name))}`;
  }

  /** Every name that a word in the block may read. */
  namesIn(block: number): readonly string[] {
    const names = new Set<string>();
    const seen = new Set<number>();
    const visit = (at: number): void => {
      if (seen.has(at)) return;
      seen.add(at);
      for (const [name, kind] of this.defined[at] ?? []) {
        if (at === block || kind === "variable" || this.blocks[at]?.head?.kind !== "mixin") names.add(name);
      }
      for (const parent of this.parents[at] ?? []) visit(parent);
    };
    visit(block);
    return [...names];
  }

  /** Arguments declared in the block itself, in file order. */
  argumentsOf(block: number): readonly string[] {
    return [...(this.defined[block] ?? [])].flatMap(([name, kind]) => (kind === "argument" ? [name] : []));
  }

  private parentsOf(block: Block): readonly number[] {
    const parents: number[] = [];
    if (block.head?.kind === "from") {
      const { file, target } = splitReference(block.head.image.text);
      const stage = target === null ? findStage(this.blocks, file, block.index) : undefined;
      if (stage !== undefined && stageName(stage) !== null) parents.push(stage.index);
    }
    for (const instruction of block.instructions) {
      if (instruction.kind !== "use") continue;
      const mixin = findMixin(this.blocks, instruction.mixin.text);
      if (mixin !== undefined && mixin !== block) parents.push(mixin.index);
    }
    return parents;
  }

  private owner(block: number, name: string, seen: Set<number>): number | undefined {
    if (seen.has(block)) return undefined;
    seen.add(block);
    if (this.defined[block]?.has(name) === true) return block;
    for (const parent of this.parents[block] ?? []) {
      // A mixin's arguments are its own; what it sets with ENV stays.
      const isMixin = this.blocks[parent]?.head?.kind === "mixin";
      if (isMixin && this.defined[parent]?.get(name) === "argument") continue;
      const owner = this.owner(parent, name, seen);
      if (owner !== undefined) return owner;
    }
    return undefined;
  }

  private linkSameNames(): void {
    for (const block of this.blocks) {
      for (const [name, kind] of this.defined[block.index] ?? []) {
        const isArgument = kind === "argument" || this.declaresArgument(block, name);
        if (block.head?.kind === "from" && isArgument && this.defined[0]?.has(name) === true) {
          this.link(key(block.index, name), key(0, name));
        }
        for (const parent of this.parents[block.index] ?? []) {
          const isMixin = this.blocks[parent]?.head?.kind === "mixin";
          if (isMixin && this.defined[parent]?.get(name) === "argument") continue;
          const owner = this.owner(parent, name, new Set());
          if (owner !== undefined) this.link(key(block.index, name), key(owner, name));
        }
      }
    }
  }

  private declaresArgument(block: Block, name: string): boolean {
    return block.instructions.some(
      (instruction) =>
        instruction.kind === "arg" && instruction.declarations.some((found) => found.name.text === name),
    );
  }

  private link(from: string, to: string): void {
    const [left, right] = [this.root(from), this.root(to)];
    if (left !== right) this.links.set(left, right);
  }

  private root(start: string): string {
    let at = start;
    for (let next = this.links.get(at); next !== undefined; next = this.links.get(at)) at = next;
    return at;
  }
}

function key(block: number, name: string): string {
  return `${block}:${name}`;
}
