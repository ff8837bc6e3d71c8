import { randomUUID } from "node:crypto";
import { mkdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemErrorCode } from "../diagnostics/failure.ts";
import { noSpaceLeft } from "../diagnostics/no-space-left.ts";
import { explainGitFailure, refUnknown } from "./git-failures.ts";
import { checkPlace, type GitPlace, isCommit } from "./git-place.ts";
import { type GitResult, runGit } from "./git-program.ts";
import { type GitTree, rememberRef, repositoryDirectoryOf, treeAt } from "./kept-git.ts";
import { refuseCollisions } from "./name-collisions.ts";
import { makePortable, portableSettings } from "./portable-git.ts";

export interface GitOptions {
  /** LIGHTBOX_HOME: trees are kept below it. */
  readonly homeDirectory: string;
  readonly signal: AbortSignal;
}

/**
 * Asks the repository which commit a branch or tag is now. A whole commit is not asked for.
 *
 * @throws Failure `InvalidGitReference`, `GitRefUnknown`, `GitRepositoryUnknown`, `GitUnreachable`, `GitMissing`
 */
export async function resolveGitRef(place: GitPlace, signal: AbortSignal): Promise<string> {
  checkPlace(place);
  const { url, ref } = place;
  if (isCommit(ref)) return ref;
  const names = ref === null ? ["HEAD"] : namesOfRef(ref);
  const result = await runGit({ args: ["ls-remote", "--", url, ...names], signal, url });
  if (result.exitCode !== 0) throw explainGitFailure(place, result);
  const found = new Map(
    result.stdout.split("\n").flatMap((line): [string, string][] => {
      const [commit = "", name = ""] = line.split("\t");
      return isCommit(commit) ? [[name, commit]] : [];
    }),
  );
  for (const name of names) {
    const commit = found.get(name);
    if (commit !== undefined) return commit;
  }
  throw await refUnknown(place, signal);
}

/** What a word can be short for, as git reads it: the object of a tag, a tag, a branch. */
function namesOfRef(ref: string): readonly string[] {
  if (ref.startsWith("refs/")) return [`${ref}^{}`, ref];
  return [`refs/tags/${ref}^{}`, `refs/tags/${ref}`, `refs/heads/${ref}`, ...(ref === "HEAD" ? [ref] : [])];
}

/**
 * The files of a repository at a commit, or at what a branch or tag is now. A commit that was fetched once is there
 * for ever, and asks nobody.
 *
 * @throws Failure as {@link resolveGitRef}, and `NoSpaceLeft`
 */
export async function fetchGitTree(
  place: GitPlace & { /** What a lock says; null: ask. */ readonly commit: string | null },
  { homeDirectory, signal }: GitOptions,
): Promise<GitTree> {
  const commit = place.commit ?? (await resolveGitRef(place, signal));
  checkPlace({ url: place.url, ref: commit });
  const parent = repositoryDirectoryOf(homeDirectory, place.url);
  const kept = join(parent, commit);
  const tree = treeAt(kept, commit);
  if (!(await take(kept))) await keep(place, { homeDirectory, commit, parent, kept, signal });
  await rememberRef(homeDirectory, place, commit);
  return tree;
}

interface Keeping extends GitOptions {
  readonly commit: string;
  /** Folder of the repository. */
  readonly parent: string;
  readonly kept: string;
}

async function keep(place: GitPlace, { commit, parent, kept, signal }: Keeping): Promise<void> {
  const making = join(parent, `.new-${randomUUID()}`);
  try {
    await mkdir(join(making, "tree"), { recursive: true });
    await checkOut({ place, commit, making, signal });
    await rename(making, kept);
  } catch (error) {
    // Another bake was faster: its tree is as good.
    if (["ENOTEMPTY", "EEXIST"].includes(systemErrorCode(error) ?? "")) return;
    throw noSpaceLeft(error, parent);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

interface CheckOut {
  readonly place: GitPlace;
  readonly commit: string;
  /** Folder that becomes the kept one. */
  readonly making: string;
  readonly signal: AbortSignal;
}

async function checkOut({ place, commit, making, signal }: CheckOut): Promise<void> {
  const { url } = place;
  const directory = join(making, "git");
  const git = (...args: readonly string[]): Promise<GitResult> =>
    runGit({
      args: [...portableSettings, `--git-dir=${directory}`, `--work-tree=${join(making, "tree")}`, ...args],
      signal,
      url,
    });
  const need = async (result: Promise<GitResult>): Promise<void> => {
    const done = await result;
    if (done.exitCode !== 0) throw explainGitFailure(place, done);
  };
  const format = commit.length === 64 ? "sha256" : "sha1";
  await need(git("init", "--quiet", "--template=", `--object-format=${format}`));
  const shallow = ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head"];
  const direct = await git(...shallow, "--", url, commit);
  if (direct.exitCode !== 0) {
    // Some servers give only what has a name: fetch that, and all of it, because the commit may be an old one.
    const named = await git(
      "fetch",
      "--quiet",
      "--no-tags",
      "--no-write-fetch-head",
      "--",
      url,
      "+refs/*:refs/fetched/*",
    );
    if (named.exitCode !== 0) throw explainGitFailure(place, named);
  }
  const has = await git("cat-file", "-e", `${commit}^{commit}`);
  if (has.exitCode !== 0) throw await refUnknown({ url, ref: commit }, signal);
  await need(git("-c", "advice.detachedHead=false", "checkout", "--quiet", "--force", "--detach", commit));
  await refuseCollisions(git, url);
  if (direct.exitCode !== 0) {
    // What else has a name there changes: the commit alone is kept, as where it could be asked for.
    await writeFile(join(directory, "shallow"), `${commit}\n`);
    await rm(join(directory, "refs", "fetched"), { recursive: true, force: true });
    await rm(join(directory, "packed-refs"), { force: true });
    await need(git("repack", "--quiet", "-a", "-d", "-n"));
    await need(git("prune", "--expire=now"));
  }
  await makePortable({ directory, url, commit }, () => need(git("read-tree", commit)));
}

/** Whether the tree is there; it then counts as used now, which keeps it from being pruned. */
async function take(path: string): Promise<boolean> {
  try {
    const now = new Date();
    await utimes(path, now, now);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return false;
    // A home that may only be read is not pruned.
    if (!["EACCES", "EPERM", "EROFS"].includes(systemErrorCode(error) ?? "")) throw error;
    return (await stat(path)).isDirectory();
  }
}
