/** What an address of a repository says behind its `?`, as BuildKit reads it. */
export interface GitQuery {
  /** The address without it. */
  readonly repository: string;
  /** `refs/…` where the query says whether it is a tag or a branch; null: nothing is said. */
  readonly ref: string | null;
  readonly folder: string | null;
  readonly keepsGitDirectory: boolean | null;
  readonly commit: string | null;
}

const known = new Set(["ref", "tag", "branch", "commit", "checksum", "subdir", "keep-git-dir"]);

/**
 * The query of `https://host/x.git?ref=v1&subdir=docs`. Null where there is none, or one that is not a repository's: with
 * a name that is not known, with one that stands there twice or has no value, with a tag and a branch.
 */
export function readGitQuery(address: string): GitQuery | null {
  const [, repository = "", query] = /^((?:https?|file):\/\/[^#?]+\.git\/?)\?([^#]+)/i.exec(address) ?? [];
  if (query === undefined) return null;
  const given = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (!known.has(name) || given.has(name) || (value === "" && name !== "keep-git-dir")) return null;
    given.set(name, value);
  }
  const refs = [given.get("ref"), full(given.get("tag"), "tags"), full(given.get("branch"), "heads")];
  const [ref, another] = refs.filter((one) => one !== undefined);
  const keep = given.get("keep-git-dir");
  if (another !== undefined || (given.has("commit") && given.has("checksum"))) return null;
  if (keep !== undefined && !/^(?:|true|false|1|0)$/i.test(keep)) return null;
  return {
    repository,
    ref: ref ?? null,
    folder: given.get("subdir") ?? null,
    keepsGitDirectory: keep === undefined ? null : !/^(?:false|0)$/i.test(keep),
    commit: given.get("commit") ?? given.get("checksum") ?? null,
  };
}

function full(name: string | undefined, kind: "tags" | "heads"): string | undefined {
  return name === undefined || name.startsWith("refs/") ? name : `refs/${kind}/${name}`;
}
