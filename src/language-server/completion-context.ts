import type { OtherFile } from "./complete-names.ts";
import type { Reference } from "./reference.ts";
import type { FolderEntry, Suggestion, SuggestionKind } from "./suggestion.ts";
import type { SymbolTable } from "./symbols.ts";

export interface CompletionSources {
  readonly reference: Reference;
  readonly otherFile: OtherFile;
  /** What a folder of the context holds; the path is relative to its root, without ignored files. */
  readonly contextFolder: (path: string) => readonly FolderEntry[];
  /** What a folder holds; the path is relative to the Lightfile's. */
  readonly folder: (path: string) => readonly FolderEntry[];
  /** What lint can be told to leave out. */
  readonly rules: readonly RuleSummary[];
}

export interface RuleSummary {
  readonly name: string;
  /** When it speaks. */
  readonly summary: string;
}

/** Where something is being written, and what may be known there. */
export interface CompletionContext {
  readonly table: SymbolTable;
  readonly offset: number;
  readonly sources: CompletionSources;
}

/** Suggestions for the text from `start` to the cursor. */
export function plain(
  { offset }: CompletionContext,
  start: number,
  kind: SuggestionKind,
  labels: readonly string[],
): readonly Suggestion[] {
  return labels.map((label) => ({ label, kind, newText: label, range: { start, end: offset } }));
}
