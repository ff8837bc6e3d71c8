import { type GitReference, parseReference } from "../graph/link/reference.ts";

/** A word behind FROM, `--from=`, IMPORT or USE, cut at its `#`. */
export interface SplitReference {
  readonly file: string;
  readonly target: string | null;
  /** The word names another Lightfile by itself: a path that begins with a dot, or a git repository. */
  readonly isFile: boolean;
}

const gitReference = /^(?:https?|ssh|git|file):\/\/|^[\w.-]+@[\w.-]+:/;

/** A git reference keeps its `#ref:path`; the target is then behind a second `#`. */
export function splitReference(text: string): SplitReference {
  const isGit = gitReference.test(text);
  const first = text.indexOf("#");
  const hash = isGit && first !== -1 ? text.indexOf("#", first + 1) : first;
  const isFile = isGit || /^\.{1,2}\//.test(text);
  if (hash === -1) return { file: text, target: null, isFile };
  return { file: text.slice(0, hash), target: text.slice(hash + 1), isFile };
}

export function isRelativePath(reference: string): boolean {
  return /^\.{1,2}\//.test(reference);
}

/** The repository and the Lightfile in it that a reference names, with or without `#target`; null for any other. */
export function repositoryOf(reference: string): GitReference | null {
  const parsed = parseReference(reference);
  return parsed?.kind === "file" && parsed.file.kind === "git" ? parsed.file : null;
}
