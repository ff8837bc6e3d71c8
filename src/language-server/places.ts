import type { Range } from "../diagnostics/source-file.ts";
import {
  type LocalOccurrence,
  type Occurrence,
  occurrenceAt,
  type SymbolTable,
  symbolOfTarget,
} from "./symbols.ts";

/** A Lightfile that the server knows: open in the editor, or read from the disk. */
export interface KnownFile {
  readonly uri: string;
  readonly table: SymbolTable;
}

export interface Place {
  readonly file: KnownFile;
  readonly range: Range;
}

export interface Neighbours {
  /** The Lightfile that a reference in `from` names; undefined when it is not there, or in a repository elsewhere. */
  readonly find: (from: KnownFile, reference: string) => KnownFile | undefined;
  /** Every Lightfile of the workspace, and those that are open. */
  readonly all: () => readonly KnownFile[];
}

/** A thing with a name, in the file that defines it. */
export interface Subject {
  readonly file: KnownFile;
  readonly symbol: string;
}

/** What stands at an offset; undefined when it is no name, or its definition cannot be found. */
export function subjectAt(file: KnownFile, offset: number, neighbours: Neighbours): Subject | undefined {
  const occurrence = occurrenceAt(file.table, offset);
  return occurrence && subjectOf(file, occurrence, neighbours);
}

export function subjectOf(
  file: KnownFile,
  occurrence: Occurrence,
  neighbours: Neighbours,
): Subject | undefined {
  if (occurrence.place === "here") return { file, symbol: occurrence.symbol };
  const other = neighbours.find(file, occurrence.file);
  const symbol = other && symbolOfTarget(other.table, occurrence.target);
  return other === undefined || symbol === undefined ? undefined : { file: other, symbol };
}

/** Where a name is defined: several places when a variable is set several times. A file is defined at its start. */
export function definitionsAt(file: KnownFile, offset: number, neighbours: Neighbours): readonly Place[] {
  const occurrence = occurrenceAt(file.table, offset);
  if (occurrence?.place === "elsewhere" && occurrence.target.kind === "file") {
    const other = neighbours.find(file, occurrence.file);
    return other === undefined ? [] : [{ file: other, range: { start: 0, end: 0 } }];
  }
  const subject = occurrence && subjectOf(file, occurrence, neighbours);
  if (subject === undefined) return [];
  return localOccurrences(subject)
    .filter((found) => found.isDefinition)
    .map(({ range }) => ({ file: subject.file, range }));
}

/** Every place that names the same thing, in this file and in those that refer to it. */
export function referencesTo(
  subject: Subject,
  options: { readonly withDefinitions: boolean; readonly neighbours: Neighbours },
): readonly Place[] {
  const here = localOccurrences(subject)
    .filter((found) => options.withDefinitions || !found.isDefinition)
    .map(({ range }) => ({ file: subject.file, range }));
  if (!isVisibleElsewhere(subject)) return here;
  const elsewhere = options.neighbours.all().flatMap((file) =>
    file.table.occurrences
      .filter((found) => {
        if (found.place === "here" || found.target.kind === "file") return false;
        const meant = subjectOf(file, found, options.neighbours);
        return meant?.file.uri === subject.file.uri && meant.symbol === subject.symbol;
      })
      .map(({ range }) => ({ file, range })),
  );
  return [...here, ...elsewhere];
}

/** All places in its own file. */
export function localOccurrences(subject: Subject): readonly LocalOccurrence[] {
  return subject.file.table.occurrences.filter(
    (found): found is LocalOccurrence => found.place === "here" && found.symbol === subject.symbol,
  );
}

function isVisibleElsewhere({ symbol }: Subject): boolean {
  return !symbol.startsWith("import:");
}
