import type { Range } from "./source-file.ts";

/** A replacement in a text; an empty range inserts, an empty `newText` deletes. */
export interface TextEdit {
  readonly range: Range;
  readonly newText: string;
}

/** A change that takes a finding away. */
export interface Fix {
  /** What it does, as the title of an editor's action: `Write the name in lower case`. */
  readonly title: string;
  /** In one text, in order, without overlaps. */
  readonly edits: readonly TextEdit[];
  /** True when the file means the same afterwards, or what was certainly meant: `check --fix` applies only those. */
  readonly isSafe: boolean;
}
