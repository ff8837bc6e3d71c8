import type { ContextSelection } from "../graph/plan.ts";
import { type IgnorePatterns, parseIgnoreFile } from "../lightfile/ignore-pattern.ts";

/** What the flags of a COPY say about how its sources are selected. */
export interface SelectionRules {
  /** `--exclude`s; null: there are none. */
  readonly excludes: IgnorePatterns | null;
  readonly keepsParents: boolean;
  readonly ifExists: boolean;
}

export const everything: SelectionRules = { excludes: null, keepsParents: false, ifExists: false };

export function rulesOf({ excludes, keepsParents, ifExists }: ContextSelection): SelectionRules {
  if (excludes.length === 0) return { excludes: null, keepsParents, ifExists };
  // Planning has told of malformed ones.
  const text = excludes.map(({ pattern }) => pattern).join("\n");
  return { excludes: parseIgnoreFile({ path: "--exclude", text }).value, keepsParents, ifExists };
}
