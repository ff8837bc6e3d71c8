import { execFile } from "node:child_process";
import { cp, readdir, readFile, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test, vi } from "vitest";
import { fetchGitTree, resolveGitRef } from "../../../src/sources/git.ts";
import type { GitTree } from "../../../src/sources/kept-git.ts";
import { originOf } from "../../../src/sources/portable-git.ts";
import { GitRepository, serveFiles, serveGit } from "../../support/git-repository.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const { signal } = new AbortController();

async function rig() {
  const folder = await temporaryFolder();
  const repository = await GitRepository.create(join(folder.path, "repositories", "tools.git"));
  const first = await repository.commit({ Lightfile: "FROM a\n", "sub/file": "one" });
  await repository.git("tag", "v1");
  await repository.git("tag", "--annotate", "--message=x", "v1-annotated");
  const second = await repository.commit({ "sub/file": "two" });
  const home = join(folder.path, "home");
  const fetch = (ref: string | null, url = repository.url, commit: string | null = null) =>
    fetchGitTree({ url, ref, commit }, { homeDirectory: home, signal });
  return {
    folder,
    repository,
    first,
    second,
    home,
    fetch,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

test("two files that a disk without capitals takes for one are an error, not one of them", async () => {
  await using it = await rig();
  await it.repository.commit({ "docs/File": "one", "docs/file": "two" });
  // As `git init` says it on such a disk.
  vi.stubEnv("GIT_CONFIG_COUNT", "1")
    .stubEnv("GIT_CONFIG_KEY_0", "core.ignorecase")
    .stubEnv("GIT_CONFIG_VALUE_0", "true");
  try {
    await expect(it.fetch("main")).rejects.toMatchObject({
      code: "FileNamesCollide",
      message: expect.stringContaining("docs/File and docs/file"),
    });
    // Nothing is kept of it.
    await expect(it.fetch("main")).rejects.toMatchObject({ code: "FileNamesCollide" });
    await expect(it.fetch("v1")).resolves.toBeDefined();
  } finally {
    vi.unstubAllEnvs();
  }
  await expect(it.fetch("main")).resolves.toBeDefined();
});

describe("a git reference", () => {
  test.each([
    ["main", "second"],
    ["v1", "first"],
    ["v1-annotated", "first"],
    ["refs/heads/main", "second"],
    [null, "second"],
    ["HEAD", "second"],
  ] as const)("%s means what it means to git", async (ref, which) => {
    await using it = await rig();
    expect(await resolveGitRef({ url: it.repository.url, ref }, signal)).toBe(it[which]);
  });

  test("that is a whole commit asks nobody", async () => {
    const commit = "0123456789".repeat(4);
    expect(await resolveGitRef({ url: "https://nowhere.invalid/x.git", ref: commit }, signal)).toBe(commit);
  });

  test("brings the files of its commit and no .git", async () => {
    await using it = await rig();
    const tree = await it.fetch("v1");
    expect(tree.commit).toBe(it.first);
    expect((await readdir(tree.directory)).sort()).toEqual(["Lightfile", "sub"]);
    expect(await readFile(join(tree.directory, "sub/file"), "utf8")).toBe("one");
    expect((await stat(join(tree.gitDirectory, "HEAD"))).isFile()).toBe(true);
  });

  test("brings an old commit that no branch ends with", async () => {
    await using it = await rig();
    await it.repository.git("tag", "--delete", "v1");
    await it.repository.git("tag", "--delete", "v1-annotated");
    expect((await it.fetch(it.first)).commit).toBe(it.first);
  });

  test("follows a branch that moves, and keeps both commits", async () => {
    await using it = await rig();
    const before = await it.fetch("main");
    const third = await it.repository.commit({ "sub/file": "three" });
    const after = await it.fetch("main");
    expect(after.commit).toBe(third);
    expect(await readFile(join(before.directory, "sub/file"), "utf8")).toBe("two");
  });

  test("with the commit of a lock asks nobody once it is there", async () => {
    await using it = await rig();
    await using server = await serveGit(join(it.folder.path, "repositories"));
    const url = `${server.url}tools.git`;
    const tree = await it.fetch("main", url);
    expect(server.requests.length).toBeGreaterThan(0);
    const asked = server.requests.length;
    expect(await it.fetch("main", url, it.second)).toEqual(tree);
    expect(server.requests.length).toBe(asked);
  });

  test("is fetched over HTTP as shallow as can be", async () => {
    await using it = await rig();
    await using server = await serveGit(join(it.folder.path, "repositories"));
    const tree = await it.fetch("main", `${server.url}tools.git`);
    const shallow = await readFile(join(tree.gitDirectory, "shallow"), "utf8");
    expect(shallow.trim()).toBe(it.second);
  });

  test("is fetched by several bakes at once without harm", async () => {
    await using it = await rig();
    const trees = await Promise.all([1, 2, 3].map(() => it.fetch("main")));
    expect(new Set(trees.map((tree) => tree.directory)).size).toBe(1);
    const [repository = ""] = await readdir(join(it.home, "git"));
    const kept = await readdir(join(it.home, "git", repository));
    expect(kept.filter((name) => !name.startsWith("ref-"))).toEqual([it.second]);
  });

  test("runs no hook and no filter of the repository", async () => {
    await using it = await rig();
    await it.repository.commit({
      ".gitattributes": "* filter=evil\n",
      "post-checkout": "#!/bin/sh\nexit 1\n",
    });
    const tree = await it.fetch("main");
    expect(await readFile(join(tree.directory, "sub/file"), "utf8")).toBe("two");
  });

  test("does not mind the environment of a git that called us", async () => {
    await using it = await rig();
    process.env.GIT_DIR = join(it.folder.path, "another");
    try {
      expect((await it.fetch("main")).commit).toBe(it.second);
    } finally {
      delete process.env.GIT_DIR;
    }
  });

  test("can be given up", async () => {
    await using it = await rig();
    const controller = new AbortController();
    controller.abort();
    const options = { homeDirectory: it.home, signal: controller.signal };
    const fetching = fetchGitTree({ url: it.repository.url, ref: "main", commit: null }, options);
    await expect(fetching).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("the repository beside the files of a commit", () => {
  /** As `.git` in a copy of the files; resolves with what git says there. */
  async function copied(it: Awaited<ReturnType<typeof rig>>, tree: GitTree) {
    const directory = join(it.folder.path, "copied");
    await cp(tree.directory, directory, { recursive: true });
    await cp(tree.gitDirectory, join(directory, ".git"), { recursive: true });
    return (...args: readonly string[]) => promisify(execFile)("git", ["-C", directory, ...args]);
  }

  test("is one that git works in where it is copied to, with the origin it came from", async () => {
    await using it = await rig();
    await using server = await serveGit(join(it.folder.path, "repositories"));
    const url = `${server.url}tools.git`;
    const git = await copied(it, await it.fetch("main", url));
    expect((await git("rev-parse", "HEAD")).stdout.trim()).toBe(it.second);
    expect((await git("status", "--porcelain")).stdout).toBe("");
    expect((await git("log", "--format=%H")).stdout.trim()).toBe(it.second);
    expect((await git("remote", "get-url", "origin")).stdout.trim()).toBe(url);
    await git("fetch", "--quiet", "--unshallow", "origin");
    expect((await git("rev-parse", "origin/main")).stdout.trim()).toBe(it.second);
    expect((await git("log", "--format=%H")).stdout).toContain(it.first);
  });

  test("is the same for whoever fetches it, wherever and with whichever settings", async () => {
    await using it = await rig();
    const one = await it.fetch("main");
    vi.stubEnv("GIT_CONFIG_COUNT", "3")
      .stubEnv("GIT_CONFIG_KEY_0", "user.name")
      .stubEnv("GIT_CONFIG_VALUE_0", "Somebody Else")
      .stubEnv("GIT_CONFIG_KEY_1", "index.version")
      .stubEnv("GIT_CONFIG_VALUE_1", "4")
      .stubEnv("GIT_CONFIG_KEY_2", "core.logAllRefUpdates")
      .stubEnv("GIT_CONFIG_VALUE_2", "always");
    const umask = process.umask(0o077);
    try {
      const other = await fetchGitTree(
        { url: it.repository.url, ref: "main", commit: null },
        { homeDirectory: join(it.folder.path, "another", "home"), signal },
      );
      const files = await filesAndModes(one.gitDirectory);
      expect(await filesAndModes(other.gitDirectory)).toEqual(files);
      expect(files.map(([name]) => name)).toEqual(expect.arrayContaining(["HEAD", "config", "index"]));
      expect(JSON.stringify(files)).not.toContain(it.home);
    } finally {
      process.umask(umask);
      vi.unstubAllEnvs();
    }
  });

  test("holds the one commit also where the server gives only what has a name", async () => {
    await using it = await rig();
    await it.repository.git("update-server-info");
    await using server = await serveFiles(join(it.folder.path, "repositories"));
    const url = `${server.url}tools.git/.git`;
    const tree = await it.fetch("v1", url);
    const git = await copied(it, tree);
    expect((await git("log", "--all", "HEAD", "--format=%H")).stdout.trim()).toBe(it.first);
    expect((await git("for-each-ref")).stdout).toBe("");
    expect((await git("status", "--porcelain")).stdout).toBe("");
    await expect(git("cat-file", "-e", it.second)).rejects.toThrow();
    await git("fsck", "--strict");
  });

  test.each([
    ["https://user:hunter2@example.org/a.git", "https://example.org/a.git"],
    ["https://token@example.org/a@b.git", "https://example.org/a@b.git"],
    ["ssh://git:hunter2@example.org/a.git", "ssh://git@example.org/a.git"],
    ["git@example.org:a.git", "git@example.org:a.git"],
    ["file:///srv/a.git", "file:///srv/a.git"],
  ])("names %s without a secret", (url, origin) => {
    expect(originOf(url)).toBe(origin);
  });
});

async function filesAndModes(directory: string) {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const all = entries.map(async (entry): Promise<[string, number, string]> => {
    const path = join(entry.parentPath, entry.name);
    const { mode } = await stat(path);
    return [relative(directory, path), mode, entry.isFile() ? await readFile(path, "latin1") : ""];
  });
  return (await Promise.all(all)).sort(([a], [b]) => (a < b ? -1 : 1));
}

describe("a git reference that leads nowhere", () => {
  test("names the refs that may have been meant", async () => {
    await using it = await rig();
    await expect(it.fetch("mian")).rejects.toMatchObject({
      code: "GitRefUnknown",
      hint: "did you mean main?",
    });
    await expect(it.fetch(it.first.slice(0, 8))).rejects.toMatchObject({
      code: "GitRefUnknown",
      hint: "write all 40 digits of a commit",
    });
    await expect(it.fetch("0".repeat(40))).rejects.toMatchObject({ code: "GitRefUnknown" });
  });

  test("tells a repository that is not there from a host that is not", async () => {
    await using it = await rig();
    await using server = await serveGit(join(it.folder.path, "repositories"));
    await expect(it.fetch("main", `${server.url}none.git`)).rejects.toMatchObject({
      code: "GitRepositoryUnknown",
      category: "usage",
    });
    await expect(it.fetch("main", "file:///nowhere.git")).rejects.toMatchObject({
      code: "GitRepositoryUnknown",
    });
    await expect(it.fetch("main", "http://127.0.0.1:1/x.git")).rejects.toMatchObject({
      code: "GitUnreachable",
      category: "environment",
    });
  });

  test("says that git is missing where it is", async () => {
    await using it = await rig();
    const { PATH } = process.env;
    process.env.PATH = it.folder.path;
    try {
      await expect(it.fetch("main")).rejects.toMatchObject({ code: "GitMissing", category: "environment" });
    } finally {
      process.env.PATH = PATH;
    }
  });

  test.each([
    ["ext::sh -c touch% /tmp/x", "main"],
    ["--upload-pack=touch x", "main"],
    ["ssh://-oProxyCommand=x/y.git", "main"],
    ["git@-oProxyCommand=x:y.git", "main"],
    ["-@host:x.git", "main"],
    ["https://host/x.git", "--upload-pack=x"],
    ["https://host/x.git", "a..b"],
    ["https://host/x.git", "a b"],
    ["https://host/x.git", "main:other"],
    ["https://host/x\n.git", "main"],
  ])("is refused before git sees it: %s %s", async (url, ref) => {
    await expect(resolveGitRef({ url, ref }, signal)).rejects.toMatchObject({ code: "InvalidGitReference" });
  });
});
