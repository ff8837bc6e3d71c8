import type { Range } from "../../diagnostics/source-file.ts";
import type { Flag } from "../../lightfile/ast.ts";
import { isSha256Digest } from "../../model/identifiers.ts";
import type { CopyPattern } from "../plan.ts";
import { gitSecretHint, refuseSecret } from "../secret-in-address.ts";
import type { StageBuilder } from "../stage-builder.ts";
import { flagValue, type ReadFlags } from "./flags.ts";
import { readGitQuery } from "./git-query.ts";

const webForm = /^https?:\/\//i;
const gitForm = /^(?:git|ssh):\/\/|^[A-Za-z0-9_][A-Za-z0-9_.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:/i;
/** A web or file address is that of a repository when its path ends with `.git`. */
const gitPath = /^(?:https?|file):\/\/[^#?]+\.git\/?(?:#.*)?$/i;

/** What a source of ADD is: a repository, an address in the web, or neither. */
export function remoteKind(source: string): "git" | "url" | null {
  if (gitForm.test(source) || gitPath.test(source) || readGitQuery(source) !== null) return "git";
  return webForm.test(source) ? "url" : null;
}

export interface RemoteSource {
  /** After expansion. */
  readonly text: string;
  readonly range: Range;
  readonly flags: ReadFlags;
}

/** An address among the sources of ADD; null when a diagnostic says what is wrong with it. */
export function readRemoteSource(stage: StageBuilder, source: RemoteSource): CopyPattern | null {
  return remoteKind(source.text) === "git" ? readGitSource(stage, source) : readUrl(stage, source);
}

function readUrl(stage: StageBuilder, { text, range, flags }: RemoteSource): CopyPattern | null {
  if (!URL.canParse(text)) {
    stage.findings.error("InvalidUrl", `${text} is no address`, range, {
      hint: "write it as a browser takes it, blanks and the like as %20",
    });
    return null;
  }
  const hint = "it would be in the key, the history and the lock: fetch it in a RUN with --mount=type=secret";
  if (refuseSecret(text, range, stage.findings, hint)) return null;
  const url = new URL(text);
  if (/\.git\/?$/i.test(url.pathname)) warnRepository(stage, url, range);
  // What follows # is for whoever shows a page.
  url.hash = "";
  const flag = flags.get("checksum");
  const written = flagValue(stage, flag);
  const checksum = written === null ? null : written.toLowerCase();
  if (checksum !== null && !isSha256Digest(checksum)) {
    refuseChecksum(
      stage,
      flag,
      `${written} is no SHA-256 checksum`,
      "write --checksum=sha256: and 64 hex digits",
    );
    return null;
  }
  return { kind: "url", url: url.href, name: nameOf(url), checksum, range };
}

/** What has the path of a repository and a query that is none of a repository's. */
function warnRepository(
  stage: StageBuilder,
  { origin, pathname, searchParams, hash }: URL,
  range: Range,
): void {
  const asked = ["ref", "tag", "branch", "commit"].map((name) => searchParams.get(name));
  const ref = asked.find((value) => value !== null) ?? "";
  const folder = searchParams.get("subdir") ?? "";
  const fragment = `${ref}${folder === "" ? "" : `:${folder}`}`;
  const written = fragment === "" ? hash : `#${fragment}`;
  stage.findings.warning(
    "RepositoryTakenForFile",
    "an address with this query is fetched as one file",
    range,
    {
      hint: `a git repository is named without it: ${origin}${pathname}${written}`,
    },
  );
}

/** The last part of the path that is not empty; '' when there is none. */
function nameOf({ pathname }: URL): string {
  const last = pathname.split("/").findLast((part) => part !== "") ?? "";
  try {
    const name = decodeURIComponent(last);
    return /[/\0]/.test(name) || name === "." || name === ".." ? last : name;
  } catch (error) {
    if (error instanceof URIError) return last;
    throw error;
  }
}

const commitPrefixForm = /^[0-9a-f]{7,64}$/;
const wholeCommitForm = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

function readGitSource(stage: StageBuilder, { text, range, flags }: RemoteSource): CopyPattern | null {
  if (refuseSecret(text, range, stage.findings, gitSecretHint)) return null;
  const hash = text.indexOf("#");
  const query = readGitQuery(text);
  const repository = query?.repository ?? (hash === -1 ? text : text.slice(0, hash));
  const fragment = hash === -1 ? "" : text.slice(hash + 1);
  const colon = fragment.indexOf(":");
  const ref = (colon === -1 ? fragment : fragment.slice(0, colon)) || query?.ref || "";
  const path = (colon === -1 ? "" : fragment.slice(colon + 1)) || query?.folder || "";
  const flag = flags.get("checksum");
  const written = flagValue(stage, flag);
  const commitPrefix = (written ?? query?.commit)?.toLowerCase() ?? null;
  if (commitPrefix !== null && !commitPrefixForm.test(commitPrefix)) {
    stage.findings.error(
      "InvalidChecksum",
      `${written ?? query?.commit} is no commit`,
      flag?.range ?? range,
      {
        hint: `of a repository, ${flag === undefined ? "commit=" : "--checksum"} is what the commit begins with`,
      },
    );
    return null;
  }
  const segments = path.split("/").filter((segment) => segment !== "" && segment !== ".");
  if (segments.includes("..")) {
    stage.findings.error("OutsideContext", `${path} is outside the repository`, range, {
      hint: "name a folder of the repository behind the colon: url#ref:folder",
    });
    return null;
  }
  return {
    kind: "git",
    repository,
    // A commit says by itself what is meant.
    ref: ref || (wholeCommitForm.test(query?.commit ?? "") ? (query?.commit ?? null) : null),
    path: segments.join("/"),
    keepsGitDirectory: flags.get("keep-git-dir")
      ? flags.isOn("keep-git-dir")
      : (query?.keepsGitDirectory ?? false),
    commitPrefix,
    range,
  };
}

function refuseChecksum(stage: StageBuilder, flag: Flag | undefined, message: string, hint: string): void {
  if (flag !== undefined) stage.findings.error("InvalidChecksum", message, flag.range, { hint });
}
