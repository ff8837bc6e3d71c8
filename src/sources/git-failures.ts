import { Failure } from "../diagnostics/failure.ts";
import { didYouMean } from "../diagnostics/suggest.ts";
import { type GitPlace, invalidGitReference } from "./git-place.ts";
import { type GitResult, runGit } from "./git-program.ts";

const unreachable =
  /could not resolve host|failed to connect|connection (?:refused|timed out|reset)|couldn't connect|network is unreachable|no route to host|operation timed out|unable to connect|temporary failure in name resolution|could not resolve hostname|early EOF|unexpected disconnect|SSL|certificate/i;
const unknown =
  /repository .*not found|does not appear to be a git repository|not found|could not read Username|authentication failed|permission denied|access denied|terminal prompts disabled|does not exist|could not read from remote|requested URL returned error: 40[134]|not exported/i;

/** What git's words mean for whoever wrote the reference. */
export function explainGitFailure({ url }: GitPlace, { stderr, exitCode }: GitResult): Failure {
  const words = lastWords(stderr) || `git ended with exit code ${exitCode}`;
  if (/no space left on device/i.test(stderr)) {
    return new Failure({
      code: "NoSpaceLeft",
      category: "environment",
      message: `no space is left to fetch ${url}`,
      hint: "make room on the disk of LIGHTBOX_HOME",
    });
  }
  if (/transport '.*' not allowed|protocol '.*' is not supported/i.test(stderr)) {
    return invalidGitReference(url, words);
  }
  if (unreachable.test(stderr) || !unknown.test(stderr)) {
    return new Failure({
      code: "GitUnreachable",
      category: "environment",
      message: `${url} cannot be reached: ${words}`,
      hint: "see that the network and the host are up, and try `git ls-remote` with it",
    });
  }
  return new Failure({
    code: "GitRepositoryUnknown",
    category: "usage",
    message: `${url} is no repository that can be read from here: ${words}`,
    hint: "see that the address is right, and that git is allowed to read it without asking for a password",
  });
}

/** That there is no such ref, with those that may have been meant. */
export async function refUnknown({ url, ref }: GitPlace, signal: AbortSignal): Promise<Failure> {
  const result = await runGit({ args: ["ls-remote", "--heads", "--tags", "--refs", "--", url], signal, url });
  const names = result.stdout
    .split("\n")
    .flatMap((line) => /\trefs\/(?:heads|tags)\/(.+)$/.exec(line)?.[1] ?? []);
  const isShortCommit = ref !== null && /^[0-9a-f]{6,39}$/.test(ref);
  const hint =
    ref === null
      ? "name a branch, a tag or a commit after #"
      : (didYouMean(ref, names) ??
        (isShortCommit
          ? "write all 40 digits of a commit"
          : names.length === 0
            ? "the repository has no branches and no tags"
            : `it has ${names.slice(0, 8).join(", ")}${names.length > 8 ? ", …" : ""}`));
  return new Failure({
    code: "GitRefUnknown",
    category: "usage",
    message: ref === null ? `${url} has no HEAD` : `${url} has no branch, tag or commit ${ref}`,
    hint,
  });
}

function lastWords(stderr: string): string {
  const lines = stderr
    .split("\n")
    .map((line) => line.replace(/^(?:fatal|error|remote|ERROR): */i, "").trim())
    .filter((line) => line !== "" && !/^(?:Please make sure|and the repository exists)/.test(line));
  return lines.slice(-2).join("; ");
}
