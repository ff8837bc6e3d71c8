import { posix } from "node:path";
import { ignoreMatcher } from "../../../lightfile/ignore-pattern.ts";
import type { CopyDirectory, CopyTree } from "./copy-tree.ts";

export type IsExcluded = (path: string) => boolean;

/** What `--exclude` patterns say of a path relative to its source; null: there are none. */
export function excluding(patterns: readonly string[]): IsExcluded | null {
  return patterns.length === 0 ? null : ignoreMatcher(patterns);
}

/** What is looked at of a tree. */
type ExcludableTree = Pick<CopyTree, "kind" | "name"> & {
  readonly entries: readonly (
    | Pick<CopyDirectory, "kind" | "path" | "isImplied">
    | { readonly kind: "file" | "symlink"; readonly path: string }
  )[];
};

/**
 * The tree without what is excluded; null: a file that is excluded itself. An excluded directory is there all the same
 * when something below it is taken back.
 */
export function withoutExcluded<Tree extends ExcludableTree>(
  tree: Tree,
  isExcluded: IsExcluded | null,
): Tree | null {
  if (isExcluded === null) return tree;
  if (tree.kind === "file") return isExcluded(tree.name) ? null : tree;
  const kept = new Set<string>([""]);
  for (const entry of tree.entries) {
    const isImplied = entry.kind === "directory" && entry.isImplied;
    if (entry.path === "" || isImplied || isExcluded(entry.path)) continue;
    for (let at = entry.path; !kept.has(at); at = parentOf(at)) kept.add(at);
  }
  return { ...tree, entries: tree.entries.filter(({ path }) => kept.has(path)) };
}

function parentOf(path: string): string {
  const parent = posix.dirname(path);
  return parent === "." ? "" : parent;
}
