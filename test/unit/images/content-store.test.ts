import { open, readdir, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ContentStore } from "../../../src/images/content-store.ts";
import { digestOf, StagedBlob } from "../../../src/images/staged-blob.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

test("a blob is found under its digest once it is kept, and not before", async () => {
  await using folder = await temporaryFolder();
  const store = new ContentStore(folder.path);
  const content = Buffer.from("content");
  const digest = digestOf(content);
  {
    await using staged = await store.stage();
    await staged.write(content.subarray(0, 3));
    await staged.write(content.subarray(3));
    await staged.seal();
    expect(await store.read(digest, 100)).toBeUndefined();
    await staged.keep();
  }
  expect(await store.read(digest, 100)).toEqual(content);
  expect(await store.list()).toEqual([digest]);
  expect(await readdir(join(folder.path, "staging"))).toEqual([]);
});

test("a blob that is dropped leaves nothing", async () => {
  await using folder = await temporaryFolder();
  const store = new ContentStore(folder.path);
  {
    await using staged = await store.stage();
    await staged.write(Buffer.from("half"));
  }
  expect(await store.list()).toEqual([]);
  expect(await readdir(join(folder.path, "staging"))).toEqual([]);
});

test("a restarted blob is hashed from its new start", async () => {
  await using folder = await temporaryFolder();
  const store = new ContentStore(folder.path);
  await using staged = await store.stage();
  await staged.write(Buffer.from("a long wrong start"));
  await staged.restart();
  await staged.write(Buffer.from("right"));
  expect(await staged.seal()).toEqual({ digest: digestOf(Buffer.from("right")), sizeBytes: 5 });
});

test.each([
  ["other bytes of the same length", "CONTENT"],
  ["fewer bytes", "cont"],
])("a blob that turned into %s is found out and removed", async (_what, damaged) => {
  await using folder = await temporaryFolder();
  const store = new ContentStore(folder.path);
  const blob = await store.add(Buffer.from("content"));
  expect(await store.isIntact(blob)).toBe(true);
  await writeFile(store.blobPath(blob.digest), damaged);
  expect(await store.isIntact(blob)).toBe(false);
  await expect(stat(store.blobPath(blob.digest))).rejects.toMatchObject({ code: "ENOENT" });
});

test("a small blob that is damaged reads as missing", async () => {
  await using folder = await temporaryFolder();
  const store = new ContentStore(folder.path);
  const { digest } = await store.add(Buffer.from("content"));
  await writeFile(store.blobPath(digest), "CONTENT");
  expect(await store.read(digest, 100)).toBeUndefined();
});

test("what a killed process left behind goes after a day, what another process writes now stays", async () => {
  await using folder = await temporaryFolder();
  await using young = await new ContentStore(folder.path).stage();
  const left = join(folder.path, "staging", "left");
  await writeFile(left, "old");
  const longAgo = new Date(Date.now() - 48 * 60 * 60 * 1000);
  await utimes(left, longAgo, longAgo);
  await new ContentStore(folder.path).add(Buffer.from("x"));
  expect(await readdir(join(folder.path, "staging"))).toHaveLength(1);
  await young.write(Buffer.from("y"));
});

test.runIf(process.platform === "linux")("a full disk is told apart from other trouble", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "blob");
  await using staged = new StagedBlob(path, await open("/dev/full", "r+"), () => path);
  await expect(staged.write(Buffer.from("x"))).rejects.toMatchObject({
    code: "NoSpaceLeft",
    message: expect.stringContaining(path),
  });
});
