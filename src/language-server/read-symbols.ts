import type { Range } from "../diagnostics/source-file.ts";
import type { Flag, Instruction, LightfileTree, NamedValue, Word } from "../lightfile/ast.ts";
import { type Block, blocksOf, findMixin, findStage, sameName } from "./blocks.ts";
import { splitReference } from "./references-to-files.ts";
import {
  type ExternalTarget,
  type LocalOccurrence,
  mixinSymbol,
  type Occurrence,
  type SymbolTable,
  stageSymbol,
} from "./symbols.ts";
import { VariableTable } from "./variable-table.ts";
import { type VariableUse, variableUses } from "./variable-uses.ts";

const tables = new WeakMap<LightfileTree, SymbolTable>();

/** All names of a Lightfile and what they mean; made once for each tree. */
export function symbolsOf(tree: LightfileTree): SymbolTable {
  const known = tables.get(tree);
  if (known !== undefined) return known;
  const table = new SymbolReader(tree).read();
  tables.set(tree, table);
  return table;
}

class SymbolReader {
  readonly #tree: LightfileTree;
  readonly #blocks: readonly Block[];
  readonly #variables: VariableTable;
  readonly #occurrences: Occurrence[] = [];

  constructor(tree: LightfileTree) {
    this.#tree = tree;
    this.#blocks = blocksOf(tree);
    this.#variables = new VariableTable(this.#blocks);
  }

  read(): SymbolTable {
    const [tree, blocks, variables] = [this.#tree, this.#blocks, this.#variables];
    for (const block of blocks) {
      if (block.head !== null) this.#readInstruction(block.head, block);
      for (const instruction of block.instructions) this.#readInstruction(instruction, block);
    }
    const occurrences = this.#occurrences.toSorted((a, b) => a.range.start - b.range.start);
    return { tree, blocks, occurrences, variables };
  }

  #readInstruction(instruction: Instruction, block: Block): void {
    // FROM reads the arguments that stand outside of stages.
    const scope = instruction.kind === "from" ? 0 : block.index;
    for (const use of variableUses(instruction, this.#tree)) this.#addVariable(use, scope);
    for (const flag of instruction.flags) this.#readFlag(flag, instruction, block);
    if (instruction.kind === "from") {
      this.#readReference(instruction.image, "stage", block);
      this.#define("stage", instruction.alias, stageSymbol(block));
    } else if (instruction.kind === "mixin") {
      this.#define("mixin", instruction.name, mixinSymbol(block));
    } else if (instruction.kind === "import") {
      this.#readImport(instruction.reference, instruction.alias);
    } else if (instruction.kind === "use") {
      this.#readUse(instruction.mixin, instruction.parameters, block);
    } else if (instruction.kind === "onbuild") this.#readInstruction(instruction.trigger, block);
  }

  #define(kind: LocalOccurrence["kind"], word: Word | null, symbol: string): void {
    if (word === null) return;
    const { text: name, range } = word;
    this.#occurrences.push({ place: "here", kind, symbol, isDefinition: true, name, range, isName: true });
  }

  #addVariable({ name, range, isDefinition, byShell }: VariableUse, scope: number): void {
    const symbol = this.#variables.resolve(scope, name);
    // A shell has variables of its own; what nobody declares is the diagnostics' business.
    if (symbol === undefined) return;
    if (byShell && isDefinition) return;
    this.#occurrences.push({
      place: "here",
      kind: "variable",
      symbol,
      isDefinition,
      name,
      range,
      isName: true,
    });
  }

  #readFlag(flag: Flag, instruction: Instruction, block: Block): void {
    const { value } = flag;
    if (value === null) return;
    if (flag.name.text === "from") this.#readReference(value, "stage", block);
    if (flag.name.text === "mount") {
      const match = /(?:^|,)from=([^,]+)/.exec(this.#written(value.range));
      if (match?.[1] === undefined) return;
      const start = value.range.start + match.index + match[0].length - match[1].length;
      this.#readReference(this.#wordAt(start, start + match[1].length), "stage", block);
    }
    if (flag.name.text === "arg") {
      const name = /^[^=]*/.exec(this.#written(value.range))?.[0] ?? "";
      const range = { start: value.range.start, end: value.range.start + name.length };
      const file = this.#fileOf(instruction);
      if (file !== null) this.#external(file, { kind: "argument", name }, range);
    }
  }

  #fileOf(instruction: Instruction): string | null {
    if (instruction.kind === "import") return instruction.reference.text;
    if (instruction.kind !== "from") return null;
    const { file } = splitReference(instruction.image.text);
    return this.#importNamed(file)?.reference.text ?? file;
  }

  /** A stage, `import#target`, a file with or without `#target`; or an image, which is no symbol. */
  #readReference(word: Word, kind: "stage" | "mixin", block: Block): void {
    const { file, target, isFile } = splitReference(word.text);
    const hash = this.#written(word.range).indexOf("#");
    const fileEnd = hash === -1 ? word.range.end : word.range.start + hash;
    const fileRange = { start: word.range.start, end: fileEnd };
    const targetRange = { start: fileEnd + 1, end: word.range.end };
    const imported = isFile ? undefined : this.#importNamed(file);
    if (isFile || (imported !== undefined && (target !== null || kind === "stage"))) {
      const path = imported?.reference.text ?? file;
      if (imported === undefined) this.#external(path, { kind: "file" }, fileRange);
      else this.#reference("import", this.#importSymbol(imported.alias), file, fileRange);
      if (target !== null) this.#external(path, { kind, name: target }, targetRange);
      return;
    }
    if (target !== null) return;
    const found =
      kind === "stage" ? findStage(this.#blocks, file, block.index) : findMixin(this.#blocks, file);
    if (found === undefined) return;
    const symbol = kind === "stage" ? stageSymbol(found) : mixinSymbol(found);
    this.#reference(kind, symbol, file, word.range);
  }

  #readImport(reference: Word, alias: Word): void {
    this.#external(reference.text, { kind: "file" }, reference.range);
    this.#define("import", alias, this.#importSymbol(alias));
  }

  #readUse(mixin: Word, parameters: readonly NamedValue[], block: Block): void {
    this.#readReference(mixin, "mixin", block);
    const { file, target, isFile } = splitReference(mixin.text);
    const local = target === null ? findMixin(this.#blocks, file) : undefined;
    for (const { name } of parameters) {
      if (local !== undefined) {
        const symbol = this.#variables.resolve(local.index, name.text);
        if (symbol !== undefined) this.#reference("variable", symbol, name.text, name.range);
      } else if (target !== null) {
        const path = isFile ? file : this.#importNamed(file)?.reference.text;
        const parameter = { kind: "parameter", mixin: target, name: name.text } as const;
        if (path !== undefined) this.#external(path, parameter, name.range);
      }
    }
  }

  #importNamed(name: string): { readonly reference: Word; readonly alias: Word } | undefined {
    for (const instruction of this.#tree.instructions) {
      if (instruction.kind === "import" && sameName(instruction.alias.text, name)) return instruction;
    }
    return undefined;
  }

  #importSymbol(alias: Word): string {
    return `import:${alias.text.toLowerCase()}`;
  }

  #reference(kind: LocalOccurrence["kind"], symbol: string, name: string, range: Range): void {
    const isName = kind !== "stage" || !/^\d+$/.test(name);
    this.#occurrences.push({ place: "here", kind, symbol, isDefinition: false, name, range, isName });
  }

  #external(file: string, target: ExternalTarget, range: Range): void {
    this.#occurrences.push({ place: "elsewhere", file, target, range });
  }

  #written(range: Range): string {
    return this.#tree.source.text.slice(range.start, range.end);
  }

  #wordAt(start: number, end: number): Word {
    return { text: this.#tree.source.text.slice(start, end), range: { start, end } };
  }
}
