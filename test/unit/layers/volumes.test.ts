import { existsSync } from "node:fs";
import { chmod, link, mkdir, readdir, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openLayerStore } from "../../../src/layers/open-layer-store.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const thisProcess = { kind: "process", pid: process.pid } as const;

describe("a volume", () => {
  test("is made once, with its labels, and stays as it is when it is asked for again", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    const made = await store.volumes.ensure("npm", { tier: "ci" });
    expect(made).toMatchObject({ name: "npm", labels: { tier: "ci" } });
    await writeFile(join(folder.path, "volumes/npm/file"), "kept");
    expect(await store.volumes.ensure("npm", { tier: "other" })).toMatchObject({
      createdAt: made.createdAt,
      labels: { tier: "ci" },
    });
    await store.volumes.hold(["apt", "npm"], thisProcess);
    expect(await (await openLayerStore(folder.path)).volumes.list()).toMatchObject([
      { name: "apt", labels: {} },
      { name: "npm", labels: { tier: "ci" }, createdAt: made.createdAt },
    ]);
    expect(existsSync(join(folder.path, "volumes/npm/file"))).toBe(true);
  });

  test("that an earlier version made is a plain folder, without labels", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    await mkdir(join(folder.path, "volumes/old"));
    const before = Date.now();
    await utimes(join(folder.path, "volumes/old"), 0, 0);
    const [old] = await store.volumes.list();
    expect(old).toMatchObject({ name: "old", labels: {} });
    expect(Date.parse(old?.createdAt ?? "")).toBeLessThanOrEqual(before);
    expect(await store.volumes.remove("old")).toEqual([]);
    expect(await store.volumes.list()).toEqual([]);
  });

  test("with a damaged record is told of, and there without labels", async () => {
    await using folder = await temporaryFolder();
    const problems: string[] = [];
    const store = await openLayerStore(folder.path, { onDamage: (problem) => problems.push(problem) });
    await store.volumes.ensure("npm", { tier: "ci" });
    await writeFile(join(folder.path, "volumes/.records/npm.json"), "{");
    expect(await store.volumes.list()).toMatchObject([{ name: "npm", labels: {} }]);
    expect(problems).toEqual([expect.stringContaining("npm.json is not JSON")]);
  });

  test("that is made anew has nothing of the one before", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    await store.volumes.ensure("npm", { tier: "ci" });
    await writeFile(join(folder.path, "volumes/npm/file"), "gone");
    expect(await store.volumes.remove("npm")).toEqual([]);
    expect(await readdir(join(folder.path, "volumes/.records"))).toEqual([]);
    expect(await readdir(join(folder.path, "tmp"))).toEqual([]);
    // As a crash between the two leaves it.
    await writeFile(
      join(folder.path, "volumes/.records/npm.json"),
      JSON.stringify({
        version: 1,
        name: "npm",
        createdAt: "2026-01-01T00:00:00.000Z",
        labels: { of: "before" },
      }),
    );
    expect(await store.volumes.list()).toEqual([]);
    const { release } = await store.volumes.hold(["npm"], thisProcess);
    expect(await store.volumes.list()).toMatchObject([{ name: "npm", labels: {} }]);
    expect(await readdir(join(folder.path, "volumes/npm"))).toEqual([]);
    await release();
  });

  test("counts what it takes on the disk: a file with two names once, links for themselves", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    const sizeOf = async (name: string) =>
      (await store.volumes.list()).find((volume) => volume.name === name)?.sizeBytes ?? 0;
    await store.volumes.ensure("data", {});
    const data = join(folder.path, "volumes/data");
    const empty = await sizeOf("data");
    await mkdir(join(data, "a"));
    await writeFile(join(data, "a/file"), Buffer.alloc(256 * 1024, 1));
    const withFile = await sizeOf("data");
    expect(withFile - empty).toBeGreaterThanOrEqual(256 * 1024);
    await link(join(data, "a/file"), join(data, "a/again"));
    await symlink("..", join(data, "a/up"));
    await symlink(folder.path, join(data, "a/out"));
    expect(await sizeOf("data")).toBeLessThan(withFile + 64 * 1024);
  });

  test("is left alone by prune and by the sweep", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    await store.volumes.ensure("npm", { tier: "ci" });
    await writeFile(join(folder.path, "volumes/npm/file"), "kept");
    await writeFile(join(folder.path, "volumes/.records/npm.json.0.tmp"), "of a dead process");
    await store.prune({ keepStorageBytes: 0, olderThanMs: null, dryRun: false });
    await store.sweepLeftovers();
    expect(await readdir(join(folder.path, "volumes/npm"))).toEqual(["file"]);
    expect(await readdir(join(folder.path, "volumes/.records"))).toEqual(["npm.json"]);
  });
});

describe("removing a volume", () => {
  test("that is not there names a near one", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    await store.volumes.ensure("npm-cache", {});
    await expect(store.volumes.remove("npm-cahce")).rejects.toMatchObject({
      code: "UnknownVolume",
      category: "usage",
      hint: "did you mean npm-cache?",
    });
  });

  test("waits for everybody who holds it: processes till they let go, files till they are gone", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    const other = await openLayerStore(folder.path);
    const path = join(folder.path, "life");
    await writeFile(path, "");
    // A name of 16 letters is 32 digits in hex, as a layer's key is.
    const name = "sixteen-letters.";
    const { folders, release } = await store.volumes.hold([name, "other"], thisProcess);
    expect(folders.get(name)).toBe(join(store.root, "volumes", name));
    await store.volumes.hold([name], { kind: "file", path });
    expect(await other.volumes.remove(name)).toHaveLength(2);
    await release();
    expect(await other.volumes.remove(name)).toEqual([{ kind: "file", path }]);
    expect(existsSync(join(folder.path, "volumes", name))).toBe(true);
    await rm(path);
    expect(await other.volumes.remove(name)).toEqual([]);
    expect((await store.volumes.list()).map((volume) => volume.name)).toEqual(["other"]);
    await store.sweepLeftovers();
    expect(await readdir(join(folder.path, "holds"))).toEqual([]);
  });

  test.skipIf(process.getuid?.() === 0)("works where a guest has closed folders in it", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    await store.volumes.ensure("npm", {});
    await mkdir(join(folder.path, "volumes/npm/a/b"), { recursive: true });
    await writeFile(join(folder.path, "volumes/npm/a/b/file"), "");
    for (const name of ["a/b", "a", ""]) await chmod(join(folder.path, "volumes/npm", name), 0);
    expect(await store.volumes.list()).toMatchObject([{ name: "npm" }]);
    expect(await store.volumes.remove("npm")).toEqual([]);
    expect(await readdir(join(folder.path, "tmp"))).toEqual([]);
  });

  test("while others begin to use it leaves each of them a folder that stays", async () => {
    await using folder = await temporaryFolder();
    const stores = [await openLayerStore(folder.path), await openLayerStore(folder.path)] as const;
    const use = async (): Promise<void> => {
      const { folders, release } = await stores[0].volumes.hold(["v"], thisProcess);
      const path = folders.get("v") ?? "";
      await writeFile(join(path, "used"), "");
      expect(existsSync(join(path, "used"))).toBe(true);
      await release();
    };
    const remove = async (): Promise<void> => {
      try {
        await stores[1].volumes.remove("v");
      } catch (error) {
        expect(error).toMatchObject({ code: "UnknownVolume" });
      }
    };
    await Promise.all(Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? use() : remove())));
    const volumes = await stores[0].volumes.list();
    const records = await readdir(join(folder.path, "volumes/.records"));
    expect(records).toEqual(volumes.map(({ name }) => `${name}.json`));
    expect(await readdir(join(folder.path, "tmp"))).toEqual([]);
  });
});
