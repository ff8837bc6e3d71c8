import { mkdir, readdir, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type PruneSourcesRequest, pruneSources } from "../../../src/bake/prune-sources.ts";
import { fetchGitTree } from "../../../src/sources/git.ts";
import { keptGitTree } from "../../../src/sources/kept-git.ts";
import { noPins } from "../../../src/sources/pins.ts";
import { GitRepository } from "../../support/git-repository.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const hourMs = 3600e3;
const dayMs = 24 * hourMs;
const nowMs = Date.now();

/** A home with two commits of a repository, and so many downloads of 100 KiB, each used a day before the one before. */
async function rig(downloadCount: number) {
  const folder = await temporaryFolder();
  const home = join(folder.path, "home");
  const repository = await GitRepository.create(join(folder.path, "tools.git"));
  const fetch = async (ref: string) =>
    await fetchGitTree(
      { url: repository.url, ref, commit: null },
      { homeDirectory: home, signal: new AbortController().signal },
    );
  const download = (index: number) => join(home, "downloads", String(index).repeat(64));
  for (let index = 1; index <= downloadCount; index += 1) {
    await mkdir(download(index), { recursive: true });
    await writeFile(join(download(index), "content"), Buffer.alloc(100 * 1024, index));
    await touch(download(index), (index + 0.5) * dayMs);
  }
  return {
    home,
    repository,
    fetch,
    prune: (change: Partial<PruneSourcesRequest>) =>
      pruneSources({
        homeDirectory: home,
        keepStorageBytes: null,
        olderThanMs: null,
        dryRun: false,
        nowMs,
        inUseSinceMs: null,
        ...change,
      }),
    downloads: async () => (await readdir(join(home, "downloads"))).map((name) => Number(name[0])).sort(),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

async function touch(path: string, ageMs: number): Promise<void> {
  const then = new Date(nowMs - ageMs);
  await utimes(path, then, then);
}

test("what nobody took for a week goes, or for as long as is asked", async () => {
  await using it = await rig(9);
  expect((await it.prune({ dryRun: true })).removed.map(({ name }) => name)).toEqual([
    `sha256:${"9".repeat(64)}`,
    `sha256:${"8".repeat(64)}`,
    `sha256:${"7".repeat(64)}`,
  ]);
  expect(await it.downloads()).toHaveLength(9);
  const { freedBytes, keptBytes } = await it.prune({});
  expect([await it.downloads(), freedBytes > 300 * 1024, keptBytes > 600 * 1024]).toEqual([
    [1, 2, 3, 4, 5, 6],
    true,
    true,
  ]);
  await it.prune({ olderThanMs: 3 * dayMs });
  expect(await it.downloads()).toEqual([1, 2]);
});

test("with a size to keep, what was used longest ago goes first, whatever its age", async () => {
  await using it = await rig(6);
  await it.prune({ keepStorageBytes: 350 * 1024 });
  expect(await it.downloads()).toEqual([1, 2, 3]);
  await it.prune({ keepStorageBytes: 0, olderThanMs: 2 * dayMs });
  expect(await it.downloads()).toEqual([1]);
});

test("what was used within the hour stays, and what was used since a bake began that goes on", async () => {
  await using it = await rig(3);
  await touch(join(it.home, "downloads", "1".repeat(64)), 0.9 * hourMs);
  await it.prune({ olderThanMs: 0, inUseSinceMs: nowMs - 3 * dayMs });
  expect(await it.downloads()).toEqual([1, 2]);
  await it.prune({ olderThanMs: 0 });
  expect(await it.downloads()).toEqual([1]);
});

test("a repository goes by commits, is named as people wrote it, and is fetched again", async () => {
  await using it = await rig(0);
  await it.repository.commit({ Lightfile: "FROM a\n" });
  const { directory: first } = await it.fetch("main");
  await it.repository.commit({ Lightfile: "FROM b\n" });
  const { commit, directory: second } = await it.fetch("main");
  // Neither what a link leads to nor a link to itself is counted.
  await symlink(second, join(second, "loop"));
  await touch(join(first, ".."), 8 * dayMs);
  expect((await it.prune({})).removed).toHaveLength(1);
  const place = { url: it.repository.url, ref: "main" };
  expect(keptGitTree(it.home, place, noPins)?.commit).toBe(commit);
  await touch(join(second, ".."), 8 * dayMs);
  expect((await it.prune({ dryRun: true })).removed[0]?.name).toBe(`${it.repository.url}#main`);
  await it.prune({});
  expect(keptGitTree(it.home, place, noPins)).toBeNull();
  expect(await readdir(join(it.home, "git"))).toEqual([]);
  expect((await it.fetch("main")).commit).toBe(commit);
});

test("taking a commit again keeps it", async () => {
  await using it = await rig(0);
  await it.repository.commit({ Lightfile: "FROM a\n" });
  const { directory } = await it.fetch("main");
  await touch(join(directory, ".."), 8 * dayMs);
  await it.fetch("main");
  expect((await it.prune({})).removed).toEqual([]);
});

test("a home into which nothing was fetched has nothing to remove", async () => {
  await using folder = await temporaryFolder();
  const request = { keepStorageBytes: null, olderThanMs: null, dryRun: false, nowMs, inUseSinceMs: null };
  expect(await pruneSources({ ...request, homeDirectory: folder.path })).toEqual({
    removed: [],
    freedBytes: 0,
    keptBytes: 0,
  });
});
