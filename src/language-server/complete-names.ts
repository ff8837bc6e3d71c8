import type { Range } from "../diagnostics/source-file.ts";
import { blockAt, mixinName, sameName, stageName } from "./blocks.ts";
import { splitReference } from "./references-to-files.ts";
import type { Suggestion } from "./suggestion.ts";
import type { SymbolTable } from "./symbols.ts";

/** What the reader of a file knows of another one that it names; undefined when there is none. */
export type OtherFile = (reference: string) => SymbolTable | undefined;

interface Place {
  readonly table: SymbolTable;
  readonly offset: number;
  readonly range: Range;
  /** What is written so far. */
  readonly word: string;
  readonly otherFile: OtherFile;
}

/** Stages above, imports, and behind a `#` the stages of another file. */
export function completeStages(place: Place): readonly Suggestion[] {
  return completeReference(place, "stage");
}

export function completeMixins(place: Place): readonly Suggestion[] {
  return completeReference(place, "mixin");
}

function completeReference(place: Place, kind: "stage" | "mixin"): readonly Suggestion[] {
  const { table, word, range, offset } = place;
  const { file, target, isFile } = splitReference(word);
  const suggestion = (name: string, detail: string, prefix = ""): Suggestion => ({
    label: prefix + name,
    kind,
    newText: prefix + name,
    range,
    detail,
  });
  if (target !== null) {
    const other = place.otherFile(isFile ? file : (importedAs(table, file) ?? file));
    const names = other?.blocks.flatMap(
      (block) => (kind === "stage" ? stageName(block) : mixinName(block)) ?? [],
    );
    return (names ?? []).map(({ text }) => suggestion(text, `${kind} of ${file}`, `${file}#`));
  }
  const local = table.blocks.flatMap((block) => {
    if (kind === "mixin") return mixinName(block) ?? [];
    const isAbove = block.head !== null && block.index < blockAt(table.blocks, offset).index;
    return isAbove ? (stageName(block) ?? []) : [];
  });
  const imports = table.tree.instructions.flatMap((instruction): Suggestion[] => {
    if (instruction.kind !== "import") return [];
    const name = instruction.alias.text;
    const text = `${name}#`;
    return [
      {
        label: text,
        kind: "import",
        newText: text,
        range,
        detail: instruction.reference.text,
        continues: true,
      },
    ];
  });
  return [...local.map(({ text }) => suggestion(text, kind)), ...imports];
}

/** The Lightfile that an import's name stands for. */
function importedAs(table: SymbolTable, name: string): string | undefined {
  for (const instruction of table.tree.instructions) {
    if (instruction.kind === "import" && sameName(instruction.alias.text, name))
      return instruction.reference.text;
  }
  return undefined;
}

/** The arguments of the mixin that a USE names, as `name=`. */
export function completeParameters(
  place: Place,
  mixin: string,
  given: readonly string[],
): readonly Suggestion[] {
  const { file, target, isFile } = splitReference(mixin);
  const { table } = place;
  const other = target === null ? table : place.otherFile(isFile ? file : (importedAs(table, file) ?? file));
  const wanted = target ?? file;
  const block = other?.blocks.find((candidate) => sameName(mixinName(candidate)?.text ?? "", wanted));
  if (other === undefined || block === undefined) return [];
  return other.variables
    .argumentsOf(block.index)
    .filter((name) => !given.includes(name))
    .map((name) => ({
      label: `${name}=`,
      kind: "parameter",
      newText: `${name}=`,
      range: place.range,
      detail: `argument of ${wanted}`,
    }));
}

/** The arguments that another file takes, as `name=`, for `--arg=`. */
export function completeArguments(place: Place, reference: string | undefined): readonly Suggestion[] {
  if (reference === undefined) return [];
  const { file, isFile } = splitReference(reference);
  const other = place.otherFile(isFile ? file : (importedAs(place.table, file) ?? file));
  return (other?.variables.argumentsOf(0) ?? []).map((name) => ({
    label: name,
    kind: "parameter",
    newText: `${name}=`,
    range: place.range,
    detail: `argument of ${file}`,
  }));
}
