import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LayerStore } from "../../../src/layers/layer-store.ts";
import { openLayerStore } from "../../../src/layers/open-layer-store.ts";
import { encodeSnapshotName } from "../../../src/layers/snapshots.ts";
import { keyNumber, sealRequest, snapshotOf } from "../../support/layer-store-fixture.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const diskSizeMib = 16;

async function storeWithLayers(root: string, problems: string[] = []): Promise<LayerStore> {
  const store = await openLayerStore(root, { onDamage: (problem) => problems.push(problem) });
  for (const number of [1, 2]) {
    const disk = await store.createWritable({ parent: null, diskSizeMib });
    await disk.seal(sealRequest(number));
  }
  return store;
}

const first = snapshotOf(keyNumber(1), diskSizeMib);
const second = snapshotOf(keyNumber(2), diskSizeMib);

describe("publishing a snapshot", () => {
  test("points the name at it and keeps the one before", async () => {
    await using folder = await temporaryFolder();
    const store = await storeWithLayers(folder.path);
    await store.publishSnapshot("app/web", first);
    await expect(store.getSnapshot("app/web@previous")).rejects.toMatchObject({ code: "UnknownSnapshot" });
    await store.publishSnapshot("app/web", second);
    expect(await store.getSnapshot("app/web")).toMatchObject({ ...second, name: "app/web" });
    expect(await store.getSnapshot("app/web@previous")).toMatchObject({ ...first, name: "app/web@previous" });
    await store.publishSnapshot("app/web-2", second);
    const names = (await store.listSnapshots()).map(({ name }) => name);
    expect(names).toEqual(["app/web", "app/web@previous", "app/web-2"]);
  });

  test("again as it is changes nothing, so the previous one stays a different one", async () => {
    await using folder = await temporaryFolder();
    const store = await storeWithLayers(folder.path);
    await store.publishSnapshot("app", first);
    const published = await store.publishSnapshot("app", second);
    expect(await store.publishSnapshot("app", second)).toEqual(published);
    expect((await store.getSnapshot("app@previous")).layer).toBe(keyNumber(1));
  });

  test("of a layer that is not there is refused and leaves the name as it was", async () => {
    await using folder = await temporaryFolder();
    const store = await storeWithLayers(folder.path);
    const before = await store.publishSnapshot("app", first);
    const missing = snapshotOf(keyNumber(9), diskSizeMib);
    await expect(store.publishSnapshot("app", missing)).rejects.toMatchObject({ code: "UnknownLayer" });
    expect(await store.getSnapshot("app")).toEqual(before);
  });

  test("of the bare image needs no layer", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    await store.publishSnapshot("bare", snapshotOf(null, diskSizeMib));
    expect((await store.getSnapshot("bare")).layer).toBeNull();
  });
});

describe("looking for a snapshot", () => {
  test("that is not there suggests a near name, or lists what there is", async () => {
    await using folder = await temporaryFolder();
    const store = await storeWithLayers(folder.path);
    await expect(store.getSnapshot("app")).rejects.toMatchObject({
      category: "usage",
      hint: "there are none yet: `lightbox bake` makes them",
    });
    await store.publishSnapshot("backend", first);
    await expect(store.getSnapshot("bakend")).rejects.toMatchObject({ hint: "did you mean backend?" });
    await expect(store.getSnapshot("zzz")).rejects.toMatchObject({
      hint: "there are: backend (`lightbox snapshots` lists all)",
    });
  });

  test("that is damaged says so; the others are listed, and it can be removed", async () => {
    await using folder = await temporaryFolder();
    const problems: string[] = [];
    const store = await storeWithLayers(folder.path, problems);
    await store.publishSnapshot("good", first);
    await store.publishSnapshot("bad", first);
    await writeFile(join(folder.path, "snapshots", "bad.json"), '{"version":1}');
    await expect(store.getSnapshot("bad")).rejects.toMatchObject({ code: "SnapshotDamaged" });
    expect((await store.listSnapshots()).map(({ name }) => name)).toEqual(["good"]);
    expect(problems).toHaveLength(1);
    const everything = { keepStorageBytes: null, olderThanMs: null, dryRun: false };
    await expect(store.prune(everything)).rejects.toMatchObject({ code: "SnapshotDamaged" });
    await store.removeSnapshot("bad");
    expect((await store.prune(everything)).removed.map(({ key }) => key)).toEqual([keyNumber(2)]);
  });
});

describe("removing a snapshot", () => {
  test("takes the previous one along, or only that", async () => {
    await using folder = await temporaryFolder();
    const store = await storeWithLayers(folder.path);
    for (const content of [first, second]) await store.publishSnapshot("app", content);
    await store.removeSnapshot("app@previous");
    expect((await store.getSnapshot("app")).layer).toBe(keyNumber(2));
    await store.publishSnapshot("app", first);
    await store.removeSnapshot("app");
    expect(await readdir(join(folder.path, "snapshots"))).toEqual([]);
    await expect(store.removeSnapshot("app")).rejects.toMatchObject({ code: "UnknownSnapshot" });
  });
});

describe("a snapshot's file name", () => {
  test("is its own, whatever the filesystem does with case, and stays in its folder", () => {
    const name = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 12 })
      .filter((text) => !text.includes("@"));
    fc.assert(
      fc.property(name, name, (left, right) => {
        const encoded = encodeSnapshotName(left);
        expect(encoded).toMatch(/^[a-z0-9_%-][a-z0-9._%-]*$/);
        if (left !== right) expect(encoded).not.toBe(encodeSnapshotName(right));
      }),
    );
    expect(encodeSnapshotName("../../etc/App.json")).toBe("%2e.%2f..%2fetc%2f%41pp.json");
  });

  test.each(["", "a@b", "@previous", "x".repeat(300), "\ud800"])("is refused for %j", (name) => {
    expect(() => encodeSnapshotName(name)).toThrow(expect.objectContaining({ code: "InvalidSnapshotName" }));
  });
});
