import { readFile, rename, stat, utimes, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { FileFacts } from "../../../src/context/file-facts.ts";
import { StatCache } from "../../../src/context/stat-cache.ts";
import { loadHasher } from "../../../src/graph/keys/hash.ts";
import { contentDigest } from "../../../src/model/identifiers.ts";
import { ContextRig } from "../../support/context-rig.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const hasher = await loadHasher();
const digest = contentDigest("0123456789abcdef0123456789abcdef");
const openedAtMs = 1_800_000_000_000;
/** A file last touched a minute before the cache was opened. */
const old: FileFacts = {
  sizeBytes: 10,
  mtimeMs: openedAtMs - 60_000.25,
  ctimeMs: openedAtMs - 59_000.5,
  inode: 7,
  mode: 0o100644,
};

async function cacheIn(folder: string, nowMs = openedAtMs): Promise<StatCache> {
  return StatCache.open({ file: `${folder}/deep/stats`, hasher, now: () => nowMs });
}

test("a recorded file is found again, by another process too", async () => {
  await using folder = await temporaryFolder();
  const first = await cacheIn(folder.path);
  first.record("src/ä b.ts", old, digest);
  first.record("other", { ...old, inode: 2 ** 60, sizeBytes: 2 ** 40 }, digest);
  expect(first.find("src/ä b.ts", old)).toBe(digest);
  await first.save();
  const second = await cacheIn(folder.path);
  expect(second.find("src/ä b.ts", old)).toBe(digest);
  expect(second.find("other", { ...old, inode: 2 ** 60, sizeBytes: 2 ** 40 })).toBe(digest);
  expect(second.find("src", old)).toBeUndefined();
});

test.each(["sizeBytes", "mtimeMs", "ctimeMs", "inode", "mode"] as const)(
  "a file with another %s is unknown",
  async (field) => {
    await using folder = await temporaryFolder();
    const first = await cacheIn(folder.path);
    first.record("a", old, digest);
    const changed = { ...old, [field]: old[field] + 1 };
    expect(first.find("a", changed)).toBeUndefined();
    await first.save();
    const second = await cacheIn(folder.path);
    expect(second.find("a", changed)).toBeUndefined();
    expect(second.find("a", old)).toBe(digest);
  },
);

test("a file that changed about when it was read is not remembered", async () => {
  await using folder = await temporaryFolder();
  const cache = await cacheIn(folder.path);
  cache.record("mtime", { ...old, mtimeMs: openedAtMs - 10.5 }, digest);
  cache.record("ctime", { ...old, ctimeMs: openedAtMs + 5.5 }, digest);
  cache.record("fine", { ...old, mtimeMs: openedAtMs - 1000.5, ctimeMs: openedAtMs - 1000.5 }, digest);
  cache.record("whole seconds", { ...old, mtimeMs: openedAtMs - 1000, ctimeMs: openedAtMs - 1000 }, digest);
  for (const path of ["mtime", "ctime", "whole seconds"]) expect(cache.find(path, old)).toBeUndefined();
  expect(cache.find("fine", { ...old, mtimeMs: openedAtMs - 1000.5, ctimeMs: openedAtMs - 1000.5 })).toBe(
    digest,
  );
});

test("a cache that is damaged anywhere is an empty one", async () => {
  await using folder = await temporaryFolder();
  const first = await cacheIn(folder.path);
  first.record("a", old, digest);
  first.record("b", old, digest);
  await first.save();
  const file = `${folder.path}/deep/stats`;
  const good = await readFile(file);
  const damaged = [
    ...Array.from({ length: good.length }, (_, at) =>
      Buffer.from(good).fill((good[at] ?? 0) ^ 1, at, at + 1),
    ),
    ...[0, 7, 31, 32, good.length - 1].map((length) => good.subarray(0, length)),
    Buffer.concat([good, Buffer.from("x")]),
  ];
  for (const bytes of damaged) {
    await writeFile(file, bytes);
    const cache = await cacheIn(folder.path);
    expect(cache.find("a", old) ?? cache.find("b", old)).toBeUndefined();
  }
  await writeFile(file, good);
  expect((await cacheIn(folder.path)).find("b", old)).toBe(digest);
});

test("entries that nothing uses are dropped after some saves, used ones stay", async () => {
  await using folder = await temporaryFolder();
  const first = await cacheIn(folder.path);
  first.record("used", old, digest);
  first.record("unused", old, digest);
  await first.save();
  for (let save = 0; save < 20; save += 1) {
    const cache = await cacheIn(folder.path);
    expect(cache.find("used", old)).toBe(digest);
    cache.record("new each time", { ...old, inode: save }, digest);
    await cache.save();
  }
  const last = await cacheIn(folder.path);
  expect(last.find("used", old)).toBe(digest);
  expect(last.find("unused", old)).toBeUndefined();
});

test("nothing is written when nothing was recorded", async () => {
  await using folder = await temporaryFolder();
  await (await cacheIn(folder.path)).save();
  await expect(stat(`${folder.path}/deep`)).rejects.toMatchObject({ code: "ENOENT" });
});

test("an unchanged file keeps its digest; one changed behind the back of size and mtime does not", async () => {
  await using rig = await ContextRig.create({ a: "old" });
  const digestOf = async (laterMs: number) => {
    const statCache = await rig.openStatCache(laterMs);
    const { inputs } = await rig.resolve(["COPY a /x"], { statCache });
    const entry = [...inputs.values()].flat()[0]?.entries[0];
    return entry?.kind === "file" ? entry.digest : undefined;
  };
  const before = await digestOf(10_000);
  const { atime, mtime } = await stat(rig.path("a"));
  expect(await digestOf(10_000)).toBe(before);
  await writeFile(rig.path("a"), "new");
  await utimes(rig.path("a"), atime, mtime);
  const after = await digestOf(10_000);
  expect(after).toBe(hasher.hashBytes(Buffer.from("new")));
  expect(after).not.toBe(before);
});

test("a file that was written just before the bake is read again by the next", async () => {
  await using rig = await ContextRig.create({ a: "1" });
  const young = await rig.openStatCache(0);
  await rig.resolve(["COPY a /x"], { statCache: young });
  await expect(stat(rig.cacheFile)).rejects.toMatchObject({ code: "ENOENT" });
  await rig.resolve(["COPY a /x"], { statCache: await rig.openStatCache(10_000) });
  expect((await stat(rig.cacheFile)).size).toBeGreaterThan(0);
});

test("a disk that cannot take the cache does not stop a bake", async () => {
  await using rig = await ContextRig.create({ a: "1" });
  await rig.resolve(["COPY a /x"], { statCache: await rig.openStatCache(10_000) });
  // A file where the cache's folder should be.
  await rename(rig.cacheFile, `${rig.directory}/moved`);
  const hostile = await StatCache.open({
    file: `${rig.path("a")}/stats`,
    hasher,
    now: () => Date.now() + 10_000,
  });
  const { diagnostics } = await rig.resolve(["COPY a /x"], { statCache: hostile });
  expect(diagnostics).toEqual([]);
});
