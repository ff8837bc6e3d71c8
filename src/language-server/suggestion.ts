import type { Range } from "../diagnostics/source-file.ts";

/** One thing that could be written at the cursor. */
export interface Suggestion {
  readonly label: string;
  readonly kind: SuggestionKind;
  /** What is written in place of `range`. */
  readonly newText: string;
  readonly range: Range;
  /** One line beside the label. */
  readonly detail?: string;
  /** Markdown. */
  readonly documentation?: string;
  /** More comes right behind: the editor asks again. */
  readonly continues?: boolean;
}

export type SuggestionKind =
  | "instruction"
  | "flag"
  | "value"
  | "stage"
  | "variable"
  | "mixin"
  | "parameter"
  | "import"
  | "file"
  | "folder"
  | "rule";

/** A folder's entry, as completion offers it. */
export interface FolderEntry {
  readonly name: string;
  readonly isFolder: boolean;
}
