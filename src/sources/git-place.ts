import { Failure } from "../diagnostics/failure.ts";

export interface GitPlace {
  /** As git takes it: `https:`, `http:`, `ssh:`, `git:`, `file:` or `user@host:path`. */
  readonly url: string;
  /** Branch, tag or whole commit; null: what the repository calls HEAD. */
  readonly ref: string | null;
}

const commitForm = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: git refuses them, and so do we before git is asked.
const badRef = /^[-/.]|[/.]$|\.lock(?:\/|$)|\/\/|\.\.|\/\.|@\{|^@$|[\x00-\x20\x7f~^:?*[\\]/;
const urlForm =
  /^(?:https?|ssh|git|file):\/\/[^\s-]|^[A-Za-z0-9_.][A-Za-z0-9_.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:(?!-)/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: a url with these is meant to deceive somebody.
const controlCharacter = /[\x00-\x20\x7f]/;

/** True for the whole name of a commit, which needs no lock to stay what it is. */
export function isCommit(ref: string | null): ref is string {
  return ref !== null && commitForm.test(ref);
}

/** @throws Failure `InvalidGitReference` for what git must not be given: it could be an option, or a command. */
export function checkPlace({ url, ref }: GitPlace): void {
  if (!urlForm.test(url) || controlCharacter.test(url)) {
    throw invalidGitReference(url, "it is no address of a repository that can be used here");
  }
  if (ref !== null && badRef.test(ref)) {
    throw invalidGitReference(url, `${JSON.stringify(ref)} cannot be a branch, a tag or a commit`);
  }
}

export function invalidGitReference(url: string, why: string): Failure {
  return new Failure({
    code: "InvalidGitReference",
    category: "usage",
    message: `${url} cannot be fetched: ${why}`,
    hint: "write https://host/name.git#branch, ssh://host/name.git#tag or git@host:name.git#commit",
  });
}
