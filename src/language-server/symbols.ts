import type { Range } from "../diagnostics/source-file.ts";
import { unreachable } from "../diagnostics/unreachable.ts";
import type { LightfileTree } from "../lightfile/ast.ts";
import { type Block, findMixin, findStage, mixinName, stageName } from "./blocks.ts";
import type { VariableTable } from "./variable-table.ts";

/** Something in another file, as a file names it. Names are as written there. */
export type ExternalTarget =
  | { readonly kind: "file" }
  | { readonly kind: "stage"; readonly name: string }
  | { readonly kind: "mixin"; readonly name: string }
  /** An argument outside of stages and mixins: what `--arg` passes. */
  | { readonly kind: "argument"; readonly name: string }
  /** An argument of a mixin: what USE passes. */
  | { readonly kind: "parameter"; readonly mixin: string; readonly name: string };

/** A place where a name stands. */
export type Occurrence = LocalOccurrence | ExternalOccurrence;

export interface LocalOccurrence {
  readonly place: "here";
  readonly kind: "stage" | "variable" | "mixin" | "import";
  /** Equal for all occurrences of one thing. */
  readonly symbol: string;
  readonly isDefinition: boolean;
  readonly name: string;
  readonly range: Range;
  /** False for a stage's number: it cannot be renamed. */
  readonly isName: boolean;
}

export interface ExternalOccurrence {
  readonly place: "elsewhere";
  /** The other Lightfile as written, without `#target`. */
  readonly file: string;
  readonly target: ExternalTarget;
  readonly range: Range;
}

export interface SymbolTable {
  readonly tree: LightfileTree;
  readonly blocks: readonly Block[];
  /** In the order of the text. */
  readonly occurrences: readonly Occurrence[];
  readonly variables: VariableTable;
}

/** The occurrence that an offset is in or right behind; a name wins over the file's reference around it. */
export function occurrenceAt(table: SymbolTable, offset: number): Occurrence | undefined {
  return table.occurrences.find(({ range }) => range.start <= offset && offset <= range.end);
}

/** What another file means by a target of this one: a symbol of it, if there is such a thing. */
export function symbolOfTarget(table: SymbolTable, target: ExternalTarget): string | undefined {
  const { blocks, variables } = table;
  switch (target.kind) {
    case "file":
      return undefined;
    case "stage": {
      const stage = findStage(blocks, target.name, Infinity);
      return stage && stageSymbol(stage);
    }
    case "mixin": {
      const mixin = findMixin(blocks, target.name);
      return mixin && mixinSymbol(mixin);
    }
    case "argument":
      return variables.resolve(0, target.name);
    case "parameter": {
      const mixin = findMixin(blocks, target.mixin);
      return mixin && variables.resolve(mixin.index, target.name);
    }
    default:
      return unreachable(target);
  }
}

/** What all occurrences of a stage's name have in common. */
export function stageSymbol(block: Block): string {
  return `stage:${block.index}`;
}

/** As {@link stageSymbol}, for a mixin. */
export function mixinSymbol(block: Block): string {
  return `mixin:${block.index}`;
}

/** The block of a symbol that is a stage or a mixin. */
export function blockOfSymbol(table: SymbolTable, symbol: string): Block | undefined {
  return table.blocks.find(
    (block) =>
      (stageName(block) !== null && stageSymbol(block) === symbol) ||
      (mixinName(block) !== null && mixinSymbol(block) === symbol),
  );
}
