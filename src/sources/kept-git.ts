import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { systemErrorCode } from "../diagnostics/failure.ts";
import { type GitPlace, isCommit } from "./git-place.ts";
import type { Pins } from "./pins.ts";

export interface GitTree {
  /** 40 (or, in a SHA-256 repository, 64) lower-case hex digits. */
  readonly commit: string;
  /** Absolute path of the files of the commit, without `.git`. Others use it too: not to be written to. */
  readonly directory: string;
  /** What `.git` would be: the repository with this one commit in it. */
  readonly gitDirectory: string;
}

/** Where the trees of repositories are kept. */
export function gitDirectoryOf(homeDirectory: string): string {
  return join(homeDirectory, "git");
}

/** Where the trees of one repository are kept, each by its commit. */
export function repositoryDirectoryOf(homeDirectory: string, url: string): string {
  return join(gitDirectoryOf(homeDirectory), shortHash(url));
}

export function treeAt(kept: string, commit: string): GitTree {
  return { commit, directory: join(kept, "tree"), gitDirectory: join(kept, "git") };
}

/** Takes note of what a branch or tag was, for those who may not ask: {@link keptGitTree}. */
export async function rememberRef(
  homeDirectory: string,
  { url, ref }: GitPlace,
  commit: string,
): Promise<void> {
  if (isCommit(ref)) return;
  const file = noteOf(homeDirectory, { url, ref });
  try {
    const name = `${withoutPassword(url)}#${ref ?? "HEAD"}`;
    if (readRefNote(file)?.commit === commit) return;
    const { default: writeFileAtomic } = await import("write-file-atomic");
    await writeFileAtomic(file, `${commit} ${name}\n`);
  } catch (error) {
    // ENOSPC, EACCES and the like: an editor then knows the repository no more; who bakes has it.
    if (systemErrorCode(error) === undefined) throw error;
  }
}

/**
 * The files of a repository as they were last fetched: at the commit that the lock pins, else at what the branch or tag
 * was then. Null when they are not here. Asks nobody.
 */
export function keptGitTree(homeDirectory: string, place: GitPlace, pins: Pins): GitTree | null {
  const { url, ref } = place;
  const commit = isCommit(ref)
    ? ref
    : (pins.commit(url, ref) ?? readRefNote(noteOf(homeDirectory, place))?.commit);
  if (commit === undefined) return null;
  const kept = join(repositoryDirectoryOf(homeDirectory, url), commit);
  return statSync(kept, { throwIfNoEntry: false })?.isDirectory() === true ? treeAt(kept, commit) : null;
}

function noteOf(homeDirectory: string, { url, ref }: GitPlace): string {
  return join(repositoryDirectoryOf(homeDirectory, url), `ref-${shortHash(ref ?? "HEAD")}`);
}

export interface RefNote {
  readonly commit: string;
  /** The repository and the ref, as people write them. */
  readonly name: string;
}

/** Null when there is none that can be read. */
export function readRefNote(file: string): RefNote | null {
  try {
    const [commit = "", name = ""] = readFileSync(file, "utf8").trimEnd().split(" ");
    return isCommit(commit) ? { commit, name } : null;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return null;
  }
}

/** What stands before the host of a URL is nobody else's to read. */
export function withoutPassword(source: string): string {
  return source.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, "$1");
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 24);
}
