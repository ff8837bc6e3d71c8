import { chmod, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What is asked of git so that a repository does not show who fetched it, with which version and settings. */
export const portableSettings = [
  // Objects stay as the server packed them.
  "fetch.unpackLimit=1",
  "transfer.unpackLimit=1",
  "pack.threads=1",
  "pack.indexVersion=2",
  "pack.writeReverseIndex=false",
  "fetch.writeCommitGraph=false",
  "gc.auto=0",
  "maintenance.auto=false",
  "core.logAllRefUpdates=false",
  "core.fsmonitor=false",
  "core.splitIndex=false",
  "core.untrackedCache=false",
  "feature.manyFiles=false",
  "index.version=2",
  "index.threads=1",
  "index.skipHash=false",
  "index.sparse=false",
].flatMap((setting) => ["-c", setting]);

const parts = new Set(["HEAD", "config", "index", "objects", "refs", "shallow"]);

/**
 * Makes of a fresh repository one that can be copied as `.git`: its configuration is that of any clone on Linux, and
 * nothing tells where, when and by whom it was fetched.
 *
 * @param remake runs `git read-tree` over it, which makes an index without times and inodes of this host
 */
export async function makePortable(
  repository: { readonly directory: string; readonly url: string; readonly commit: string },
  remake: () => Promise<void>,
): Promise<void> {
  const { directory, url, commit } = repository;
  await rm(join(directory, "index"), { force: true });
  await remake();
  for (const name of await readdir(directory)) {
    if (!parts.has(name)) await rm(join(directory, name), { recursive: true, force: true });
  }
  await writeFile(join(directory, "config"), configuration(url, commit.length === 64));
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    // Whatever the umask was.
    if (!entry.isDirectory()) await chmod(join(entry.parentPath, entry.name), 0o644);
    else await chmod(join(entry.parentPath, entry.name), 0o755);
  }
  await chmod(directory, 0o755);
}

function configuration(url: string, isSha256: boolean): string {
  const quoted = `"${originOf(url).replace(/["\\]/g, "\\$&")}"`;
  return [
    "[core]",
    `\trepositoryformatversion = ${isSha256 ? 1 : 0}`,
    "\tfilemode = true",
    "\tbare = false",
    "\tlogallrefupdates = true",
    ...(isSha256 ? ["[extensions]", "\tobjectformat = sha256"] : []),
    '[remote "origin"]',
    `\turl = ${quoted}`,
    "\tfetch = +refs/heads/*:refs/remotes/origin/*",
    "",
  ].join("\n");
}

/** The address without what lets somebody in: of ssh the user's name is no secret, of the web it may be a token. */
export function originOf(url: string): string {
  const [, scheme = "", userInfo, rest = ""] = /^([a-z][a-z0-9+.-]*:\/\/)(?:([^/]*)@)?(.*)$/i.exec(url) ?? [];
  if (scheme === "" || userInfo === undefined) return url;
  const [user = ""] = userInfo.split(":");
  return /^ssh:/i.test(scheme) && user !== "" ? `${scheme}${user}@${rest}` : scheme + rest;
}
