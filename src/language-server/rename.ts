import type { Range } from "../diagnostics/source-file.ts";
import {
  type KnownFile,
  localOccurrences,
  type Neighbours,
  type Place,
  referencesTo,
  subjectAt,
} from "./places.ts";
import { occurrenceAt } from "./symbols.ts";

/** The name at an offset that can be renamed; undefined when there is none. */
export function renameableAt(
  file: KnownFile,
  offset: number,
  neighbours: Neighbours,
): { readonly range: Range; readonly name: string } | undefined {
  const occurrence = occurrenceAt(file.table, offset);
  const subject = subjectAt(file, offset, neighbours);
  if (occurrence === undefined || subject === undefined) return undefined;
  if (occurrence.place === "here" && !occurrence.isName) return undefined;
  // A predefined variable or a stage that only a number means has no place that could be changed.
  if (!localOccurrences(subject).some((found) => found.isDefinition)) return undefined;
  const { range } = occurrence;
  return { range, name: file.table.tree.source.text.slice(range.start, range.end) };
}

export type Renaming =
  | { readonly kind: "edits"; readonly places: readonly Place[] }
  /** `problem` is a sentence for people. */
  | { readonly kind: "refused"; readonly problem: string };

/** Every place that has to be changed for a thing to have another name; refused when the name will not do. */
export function rename(file: KnownFile, offset: number, newName: string, neighbours: Neighbours): Renaming {
  const subject = subjectAt(file, offset, neighbours);
  if (subject === undefined || renameableAt(file, offset, neighbours) === undefined) {
    return { kind: "refused", problem: "there is no name here that can be changed" };
  }
  const occurrences = localOccurrences(subject);
  const kind = occurrences[0]?.kind ?? "variable";
  const pattern = kind === "variable" ? /^[A-Za-z_][A-Za-z0-9_]*$/ : /^[A-Za-z][A-Za-z0-9_.-]*$/;
  if (!pattern.test(newName)) {
    const problem =
      kind === "variable"
        ? `${newName} cannot be the name of a variable: use letters, digits and _`
        : `${newName} cannot be the name of a ${kind}: start with a letter, go on with letters, digits, - _ or .`;
    return { kind: "refused", problem };
  }
  const taken = subject.file.table.occurrences.some(
    (found) =>
      found.place === "here" &&
      found.kind === kind &&
      found.isDefinition &&
      found.symbol !== subject.symbol &&
      (kind === "variable"
        ? found.name === newName && sharesBlock(found.symbol, subject.symbol)
        : found.name.toLowerCase() === newName.toLowerCase()),
  );
  if (taken) return { kind: "refused", problem: `there is a ${kind} named ${newName} already` };
  const unnamed = new Set(occurrences.filter((found) => !found.isName).map((found) => found.range));
  const places = referencesTo(subject, { withDefinitions: true, neighbours });
  return { kind: "edits", places: places.filter((place) => !unnamed.has(place.range)) };
}

/** Variables of stages that have nothing to do with each other may have one name. */
function sharesBlock(left: string, right: string): boolean {
  return left.split(":")[1] === right.split(":")[1];
}
