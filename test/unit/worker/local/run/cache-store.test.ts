import { readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { expect, test } from "vitest";
import { openLayerStore } from "../../../../../src/layers/open-layer-store.ts";
import { CacheStore, type OpenCache } from "../../../../../src/worker/local/run/cache-store.ts";
import { temporaryFolder } from "../../../../support/temporary-folder.ts";

const options = { signal: new AbortController().signal, onWait: () => undefined };
const everything = { keepStorageBytes: null, olderThanMs: null, dryRun: false };

async function storeIn(folder: string): Promise<CacheStore> {
  return new CacheStore(await openLayerStore(folder));
}

async function* stream(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

async function contentOf(cache: OpenCache): Promise<string | undefined> {
  const content = await cache.read();
  return content === undefined ? undefined : (await buffer(content)).toString();
}

async function kept(store: CacheStore, id: string): Promise<string | undefined> {
  const cache = await store.open({ id, sharing: "shared" }, options);
  const content = await contentOf(cache);
  await cache.close();
  return content;
}

test("what a step leaves is there for the next one, under the same id alone", async () => {
  await using folder = await temporaryFolder();
  const store = await storeIn(folder.path);
  const id = "/root/.cache\n\u{1F600} with all kinds of characters";
  const cache = await store.open({ id, sharing: "locked" }, options);
  expect(await contentOf(cache)).toBeUndefined();
  await cache.write(stream("first"));
  await cache.write(stream("second"));
  await cache.close();
  expect(await kept(store, id)).toBe("second");
  expect(await kept(store, "another")).toBeUndefined();
  expect((await store.prune(everything, 0)).removed).toMatchObject([{ id }]);
  expect(await kept(store, id)).toBeUndefined();
});

test("content that breaks off leaves what was there, and nothing else", async () => {
  await using folder = await temporaryFolder();
  const store = await storeIn(folder.path);
  const cache = await store.open({ id: "c", sharing: "shared" }, options);
  await cache.write(stream("whole"));
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("ha");
    throw new Error("the guest is gone");
  }
  await expect(cache.write(broken())).rejects.toThrow("the guest is gone");
  expect(await contentOf(cache)).toBe("whole");
  expect(await readdir(join(folder.path, "tmp"))).toEqual([]);
});

test("a locked cache is waited for, and a private one is another while one is in use", async () => {
  await using folder = await temporaryFolder();
  const store = await storeIn(folder.path);
  const first = await store.open({ id: "c", sharing: "locked" }, options);
  const waits = Promise.withResolvers<void>();
  const second = store.open({ id: "c", sharing: "locked" }, { ...options, onWait: waits.resolve });
  await waits.promise;
  await first.close();
  await (await second).close();

  const own = await store.open({ id: "c", sharing: "private" }, options);
  await own.write(stream("own"));
  const other = await store.open({ id: "c", sharing: "private" }, options);
  expect(await contentOf(other)).toBeUndefined();
  await other.close();
  await own.close();
  const again = await store.open({ id: "c", sharing: "private" }, options);
  expect(await contentOf(again)).toBe("own");
  await again.close();
});

test("pruning takes the least recently used first, leaves what is in use, and can only tell", async () => {
  await using folder = await temporaryFolder();
  const store = await storeIn(folder.path);
  for (const id of ["old", "new", "busy"]) {
    const cache = await store.open({ id, sharing: "locked" }, options);
    await cache.write(stream("x".repeat(100_000)));
    await cache.close();
  }
  const caches = join(folder.path, "caches");
  const report = await store.prune({ ...everything, dryRun: true }, 0);
  expect(report.removed.map(({ id }) => id).sort()).toEqual(["busy", "new", "old"]);
  for (const name of await readdir(caches)) await utimes(join(caches, name), 1000, 1000);
  // Reading is use.
  expect(await kept(store, "new")).toHaveLength(100_000);
  const busy = await store.open({ id: "busy", sharing: "locked" }, options);
  const dayMs = 24 * 3600 * 1000;
  const byAge = await store.prune({ ...everything, olderThanMs: dayMs }, 0);
  expect(byAge.removed.map(({ id }) => id)).toEqual(["old"]);
  expect((await store.prune({ ...everything, keepStorageBytes: 10 ** 9 }, 0)).removed).toEqual([]);
  const bySize = await store.prune({ ...everything, keepStorageBytes: 10 ** 6 }, 10 ** 6);
  expect(bySize.removed.map(({ id }) => id)).toEqual(["new"]);
  await busy.close();
});

test("a file that is no cache counts as empty", async () => {
  await using folder = await temporaryFolder();
  const store = await storeIn(folder.path);
  const cache = await store.open({ id: "c", sharing: "shared" }, options);
  await cache.write(stream("x"));
  const [name = ""] = await readdir(join(folder.path, "caches"));
  await writeFile(join(folder.path, "caches", name), "garbage");
  expect(await contentOf(cache)).toBeUndefined();
});
