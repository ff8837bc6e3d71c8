import type { ContentDigest } from "../model/identifiers.ts";
import type { ContextTrouble } from "./context-trouble.ts";
import type { FileFacts } from "./file-facts.ts";

/** Something in the context, by its real path relative to the root (no link on the way). */
export type TreeNode =
  | FileNode
  | { readonly kind: "directory"; readonly path: string }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string };

export interface FileNode {
  readonly kind: "file";
  readonly path: string;
  readonly facts: FileFacts;
  /** Null until it is hashed; a trouble when it could not be. */
  digest: ContentDigest | ContextTrouble | null;
}

/** The path of the directory that something is in. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}

/** The last name of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** A path in the context, of which the root has none. */
export function join(directory: string, path: string): string {
  if (directory === "" || path === "") return directory + path;
  return `${directory}/${path}`;
}
