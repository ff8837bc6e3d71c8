/** What the context leaves out. Paths are relative to the context's root, `/`-separated. */
export interface ContextIgnore {
  isIgnored(path: string): boolean;
  /** True when nothing below an ignored directory can be taken back. */
  canSkipDirectory(path: string): boolean;
  /** The line that leaves the path out, e.g. `line 3 of .lightignore (*.log)`; null when none does. */
  explain(path: string): string | null;
}

export const ignoreNothing: ContextIgnore = {
  isIgnored: () => false,
  canSkipDirectory: () => false,
  explain: () => null,
};
