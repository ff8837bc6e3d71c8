import { mkdir, open, readdir, readFile, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { LayerStore } from "../../../src/layers/layer-store.ts";
import { openLayerStore } from "../../../src/layers/open-layer-store.ts";
import { maximumChainDepth } from "../../../src/layers/writable-disk.ts";
import type { LayerKey } from "../../../src/model/identifiers.ts";
import { keyNumber, sealRequest } from "../../support/layer-store-fixture.ts";
import { expectNoImageErrors, expectSameDisk, qemuImg, qemuIo } from "../../support/qemu-image-tools.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const diskSizeMib = 64;
const diskOf = (store: LayerStore, key: LayerKey) => join(store.root, "layers", key, "disk.qcow2");

/** Seals a layer in which a guest has written the commands. */
async function bakeLayer(
  store: LayerStore,
  number: number,
  parent: LayerKey | null,
  commands: readonly string[],
): Promise<LayerKey> {
  const disk = await store.createWritable({ parent, diskSizeMib });
  await qemuIo(disk.path, commands);
  return (await disk.seal(sealRequest(number))).key;
}

describe("opening a store", () => {
  test("makes it once: every later opening finds the same identity", async () => {
    await using folder = await temporaryFolder();
    const root = join(folder.path, "deep", "store");
    const stores = await Promise.all([1, 2, 3].map(() => openLayerStore(root)));
    expect(new Set(stores.map((store) => store.storeId)).size).toBe(1);
    expect((await openLayerStore(root)).storeId).toBe(stores[0]?.storeId);
    expect(await stores[0]?.generation()).toBe(0);
  });

  test("refuses a store of a newer version and leaves it as it is", async () => {
    await using folder = await temporaryFolder();
    await openLayerStore(folder.path);
    await writeFile(join(folder.path, "version"), "2\n");
    await expect(openLayerStore(folder.path)).rejects.toMatchObject({
      code: "StoreVersionTooNew",
      category: "environment",
    });
    expect(await readFile(join(folder.path, "version"), "utf8")).toBe("2\n");
  });

  test.each([
    ["a folder with other things in it", "photo.jpg", ""],
    ["a version that is no number", "version", "one"],
  ])("refuses %s", async (_, name, content) => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, name), content);
    await expect(openLayerStore(folder.path)).rejects.toMatchObject({ code: "StoreRefused" });
  });
});

describe("sealing", () => {
  test("makes a layer that holds only what was written, over its parent", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    const first = await bakeLayer(store, 1, null, ["write -P 1 8M 10M"]);
    const second = await bakeLayer(store, 2, first, ["write -P 2 9M 1M"]);

    const record = await store.get(second);
    expect(record).toMatchObject({ ...sealRequest(2), parent: first, diskSizeMib });
    expect(record.sizeBytes).toBeGreaterThan(1024 ** 2);
    expect(record.sizeBytes).toBeLessThan(1.3 * 1024 ** 2);
    expect((await store.chainOf(second)).map(({ key }) => key)).toEqual([second, first]);
    expect(await store.chainDepth(second)).toBe(2);
    expect(await store.chainSizeBytes(second)).toBe(record.sizeBytes + (await store.get(first)).sizeBytes);
    for (const key of [first, second]) await expectNoImageErrors(diskOf(store, key));
    await qemuIo(diskOf(store, second), ["read -P 1 8M 1M", "read -P 2 9M 1M", "read -P 1 10M 8M"]);
    const info = await qemuImg("info", "--output=json", diskOf(store, second));
    expect(JSON.parse(info)).toMatchObject({ "backing-filename": `../${first}/disk.qcow2` });
  });

  test("leaves nothing behind in tmp, and one hold less", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    const first = await bakeLayer(store, 1, null, ["write 0 1M"]);
    const disk = await store.createWritable({ parent: first, diskSizeMib });
    expect(await filesIn(store, "holds")).toHaveLength(1);
    await disk.discard();
    await disk.discard();
    for (const name of ["tmp", "holds", "locks"]) expect(await filesIn(store, name)).toEqual([]);
  });

  test("of what is there already drops the new disk and takes the other's layer", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    const disks = await Promise.all([0, 1].map(() => store.createWritable({ parent: null, diskSizeMib })));
    const records = await Promise.all(disks.map((disk) => disk.seal(sealRequest(1))));
    expect(records[0]).toEqual(records[1]);
    expect(await filesIn(store, "tmp")).toEqual([]);
  });

  test("mends what a killed builder left", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    const disk = await store.createWritable({ parent: null, diskSizeMib });
    await qemuImg("amend", "-o", "lazy_refcounts=on", disk.path);
    const killed = qemuIo(disk.path, ["write -P 6 1M 1M", "flush", "sigraise 9"]);
    await expect(killed).rejects.toMatchObject({ signal: "SIGKILL" });
    const { key } = await disk.seal(sealRequest(1));
    await expectNoImageErrors(diskOf(store, key));
    await qemuIo(diskOf(store, key), ["read -P 6 1M 1M"]);
  });

  test("refuses a disk that was made to name other files", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    const disk = await store.createWritable({ parent: null, diskSizeMib });
    await qemuImg("rebase", "-u", "-f", "qcow2", "-F", "raw", "-b", "/etc/shadow", disk.path);
    await expect(disk.seal(sealRequest(1))).rejects.toMatchObject({ code: "LayerImageRefused" });
    expect(await filesIn(store, "layers")).toEqual([]);
    await disk.discard();
    expect(await filesIn(store, "tmp")).toEqual([]);
  });

  test("is done once", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    const disk = await store.createWritable({ parent: null, diskSizeMib });
    await disk.seal(sealRequest(1));
    await expect(disk.seal(sealRequest(2))).rejects.toThrow(/sealed or discarded/);
  });
});

describe("cutting layers out of a running builder's disk", () => {
  test("gives each step its own changes, and the last seal takes the rest", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    const base = await bakeLayer(store, 1, null, ["write -P 1 8M 4M"]);
    const disk = await store.createWritable({ parent: base, diskSizeMib });
    await qemuIo(disk.path, ["write -P 2 9M 1M"]);
    const second = await disk.sealCopy(sealRequest(2));
    await qemuIo(disk.path, ["write -P 3 20M 2M", "write -P 1 9M 64k"]);
    const third = await disk.sealCopy(sealRequest(3));
    const copy = join(folder.path, "as-sealed.qcow2");
    await qemuImg("convert", "-f", "qcow2", "-O", "qcow2", disk.path, copy);
    await qemuIo(disk.path, ["write -P 4 30M 1M"]);
    const fourth = await disk.seal(sealRequest(4));

    expect([second.parent, third.parent, fourth.parent]).toEqual([base, second.key, third.key]);
    for (const record of [second, third, fourth]) await expectNoImageErrors(diskOf(store, record.key));
    await expectSameDisk(diskOf(store, third.key), copy);
    await qemuIo(diskOf(store, second.key), ["read -P 2 9M 1M"]);
    await qemuIo(diskOf(store, fourth.key), ["read -P 4 30M 1M", "read -P 3 20M 2M", "read -P 1 9M 64k"]);
    expect(third.sizeBytes).toBeLessThan(2.4 * 1024 ** 2);
    expect(fourth.sizeBytes).toBeLessThan(1.4 * 1024 ** 2);
    expect(await filesIn(store, "tmp")).toEqual([]);
    expect(await filesIn(store, "holds")).toEqual([]);
  });

  test("goes on from another bake's layer where that one was faster", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    const disk = await store.createWritable({ parent: null, diskSizeMib });
    await qemuIo(disk.path, ["write -P 2 9M 1M"]);
    // The same step of another bake wrote elsewhere, too.
    const theirs = await bakeLayer(store, 1, null, ["write -P 2 9M 1M", "write -P 7 40M 1M"]);
    expect((await disk.sealCopy(sealRequest(1))).key).toBe(theirs);
    await qemuIo(disk.path, ["write -P 3 20M 1M"]);
    const copy = join(folder.path, "as-sealed.qcow2");
    await qemuImg("convert", "-f", "qcow2", "-O", "qcow2", disk.path, copy);
    const second = await disk.seal(sealRequest(2));
    expect(second.parent).toBe(theirs);
    await expectSameDisk(diskOf(store, second.key), copy);
  });
});

describe("a chain that is too deep", () => {
  test("is sealed as one file over the blank disk", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    let parent: LayerKey | null = null;
    for (let number = 1; number <= maximumChainDepth + 2; number++) {
      parent = await bakeLayer(store, number, parent, [`write -P ${number} ${10 + number}M 64k`]);
    }
    const flat = keyNumber(maximumChainDepth + 1);
    expect(await store.chainDepth(keyNumber(maximumChainDepth))).toBe(maximumChainDepth);
    expect((await store.get(flat)).parent).toBeNull();
    expect(await store.chainDepth(keyNumber(maximumChainDepth + 2))).toBe(2);
    await expectNoImageErrors(diskOf(store, flat));
    const reads = Array.from(
      { length: maximumChainDepth + 1 },
      (_, at) => `read -P ${at + 1} ${11 + at}M 64k`,
    );
    await qemuIo(diskOf(store, flat), reads);
  }, 120_000);

  test("is sealed so from a builder that goes on, and the next layer stands on that one", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    let parent: LayerKey = await bakeLayer(store, 1, null, ["write -P 1 8M 1M"]);
    for (let number = 2; number <= maximumChainDepth; number++) {
      parent = (await (await store.createWritable({ parent, diskSizeMib })).seal(sealRequest(number))).key;
    }
    const disk = await store.createWritable({ parent, diskSizeMib });
    await qemuIo(disk.path, ["write -P 2 9M 1M"]);
    const flat = await disk.sealCopy(sealRequest(maximumChainDepth + 1));
    await qemuIo(disk.path, ["write -P 3 10M 1M"]);
    const next = await disk.seal(sealRequest(maximumChainDepth + 2));
    expect([flat.parent, next.parent]).toEqual([null, flat.key]);
    await expectNoImageErrors(diskOf(store, flat.key));
    await qemuIo(diskOf(store, next.key), ["read -P 1 8M 1M", "read -P 2 9M 1M", "read -P 3 10M 1M"]);
  }, 120_000);
});

describe("finding layers", () => {
  async function twoLayers(root: string, problems: string[] = []): Promise<LayerStore> {
    const store = await openLayerStore(root, { onDamage: (problem) => problems.push(problem) });
    await bakeLayer(store, 1, null, ["write -P 1 8M 1M"]);
    await bakeLayer(store, 2, keyNumber(1), ["write -P 2 9M 1M"]);
    return store;
  }
  const both = [keyNumber(1), keyNumber(2)];

  test("finds what is complete, and nothing else", async () => {
    await using folder = await temporaryFolder();
    const problems: string[] = [];
    const store = await twoLayers(folder.path, problems);
    expect([...(await store.find([keyNumber(3), ...both])).keys()]).toEqual(both);
    expect(problems).toEqual([]);
    await expect(store.get(keyNumber(3))).rejects.toMatchObject({ code: "UnknownLayer" });
    await expect(store.createWritable({ parent: keyNumber(3), diskSizeMib })).rejects.toMatchObject({
      code: "UnknownLayer",
    });
  });

  const damages: readonly [what: string, damage: (layer: string, root: string) => Promise<void>][] = [
    ["whose disk was cut short", (layer) => truncate(join(layer, "disk.qcow2"), 100_000)],
    ["whose disk is gone", (layer) => rm(join(layer, "disk.qcow2"))],
    ["whose record is gone", (layer) => rm(join(layer, "layer.json"))],
    ["whose record is not JSON", (layer) => writeFile(join(layer, "layer.json"), "{")],
    ["whose record is of another version", (layer) => writeFile(join(layer, "layer.json"), '{"version":9}')],
    ["that is gone", (layer) => rm(layer, { recursive: true })],
    [
      "whose disk names another backing file",
      async (layer) => {
        const path = join(layer, "disk.qcow2");
        await qemuImg("rebase", "-u", "-f", "qcow2", "-F", "raw", "-b", "/etc/hosts", path);
      },
    ],
    [
      "whose disk is a link",
      async (layer, root) => {
        await rm(join(layer, "disk.qcow2"));
        await symlink(join(root, "layers", keyNumber(2), "disk.qcow2"), join(layer, "disk.qcow2"));
      },
    ],
    ["whose blank disk is gone", (_, root) => rm(join(root, `blank-${diskSizeMib}`), { recursive: true })],
  ];
  test.each(damages)("does not find a layer %s, nor one above it", async (_, damage) => {
    await using folder = await temporaryFolder();
    const problems: string[] = [];
    const store = await twoLayers(folder.path, problems);
    await damage(join(folder.path, "layers", keyNumber(1)), folder.path);
    expect([...(await store.find(both)).keys()]).toEqual([]);
    expect(problems).not.toEqual([]);
  });

  test("a layer baked again under the same key does not carry the old one's children", async () => {
    await using folder = await temporaryFolder();
    const store = await twoLayers(folder.path);
    await rm(join(folder.path, "layers", keyNumber(1)), { recursive: true });
    await bakeLayer(store, 1, null, ["write -P 9 8M 1M"]);
    expect([...(await store.find(both)).keys()]).toEqual([keyNumber(1)]);
    // And the child can be baked again in the place of the one that cannot be used.
    await bakeLayer(store, 2, keyNumber(1), ["write -P 2 9M 1M"]);
    expect([...(await store.find(both)).keys()]).toEqual(both);
  });
});

describe("a writable disk in a folder of the caller's", () => {
  test("resolves its parent, and its hold lives as long as it does", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(join(folder.path, "store"));
    const parent = await bakeLayer(store, 1, null, ["write -P 1 8M 1M"]);
    const directory = join(folder.path, "sandboxes", "one");
    await mkdir(directory, { recursive: true });
    const disk = await store.createWritable({ parent, diskSizeMib, directory });
    await qemuIo(disk.path, ["read -P 1 8M 1M", "write -P 2 8M 1M"]);
    await expect(disk.seal(sealRequest(2))).rejects.toThrow(/cannot be sealed/);
    const everything = { keepStorageBytes: null, olderThanMs: null, dryRun: false };

    expect((await store.prune(everything)).removed).toEqual([]);
    await disk.discard();
    expect((await store.prune(everything)).removed).toHaveLength(1);
    expect((await stat(directory)).isDirectory()).toBe(true);
  });
});

describe("the disk of a failed step", () => {
  test("is kept, can be booted from and carries the logs", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    const parent = await bakeLayer(store, 1, null, ["write -P 1 8M 1M"]);
    const disk = await store.createWritable({ parent, diskSizeMib });
    for (const number of [2, 3]) {
      const log = await disk.openLog(keyNumber(number));
      log.write(`output of ${number}\n`);
      await log.close();
    }
    await qemuIo(disk.path, ["write -P 2 9M 1M"]);
    const { key, imageDigest, title } = sealRequest(3);
    const record = await disk.sealAsDebug({ key, imageDigest, title });

    expect(await store.listDebug()).toEqual([record]);
    expect(await store.getDebug(key)).toEqual(record);
    expect((await store.find([key])).size).toBe(0);
    expect(await store.readLog(key)).toBe("output of 3\n");
    expect(await store.readLog(keyNumber(2))).toBe("output of 2\n");
    const boot = await store.createWritableOverDebug({ debugKey: key });
    await qemuIo(boot.path, ["read -P 1 8M 1M", "read -P 2 9M 1M"]);
    await boot.discard();
    expect(await filesIn(store, "tmp")).toEqual([]);
  });

  test("of a builder that goes on is a copy, and the newest of a step counts", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    const disk = await store.createWritable({ parent: null, diskSizeMib });
    const { key, imageDigest, title } = sealRequest(1);
    await qemuIo(disk.path, ["write -P 1 8M 1M"]);
    const first = await disk.copyAsDebug({ key, imageDigest, title });
    await qemuIo(disk.path, ["write -P 2 8M 1M"]);
    const second = await disk.copyAsDebug({ key, imageDigest, title: "again" });
    await disk.discard();
    expect((await store.listDebug()).map(({ instance }) => instance)).toEqual([
      second.instance,
      first.instance,
    ]);
    const boot = await store.createWritableOverDebug({ debugKey: key });
    await qemuIo(boot.path, ["read -P 2 8M 1M"]);
    await boot.discard();
    await expect(store.createWritableOverDebug({ debugKey: keyNumber(9) })).rejects.toMatchObject({
      code: "UnknownLayer",
    });
  });
});

describe("logs", () => {
  test("move along with the layer, those of merged steps too", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    const disk = await store.createWritable({ parent: null, diskSizeMib });
    for (const number of [1, 2, 3]) {
      const log = await disk.openLog(keyNumber(number));
      for (let line = 0; line < 1000; line++) log.write(`${number}: ${line}\n`);
      await log.close();
    }
    await disk.sealCopy(sealRequest(2, [keyNumber(1)]));
    expect(await store.readLog(keyNumber(3))).toBeUndefined();
    await disk.seal(sealRequest(3));
    for (const number of [1, 2, 3]) {
      const lines = (await store.readLog(keyNumber(number)))?.split("\n");
      expect(lines).toHaveLength(1001);
      expect(lines?.[999]).toBe(`${number}: 999`);
    }
    expect((await store.get(keyNumber(2))).coveredKeys).toEqual([keyNumber(1)]);
    expect(await store.readLog(keyNumber(4))).toBeUndefined();
  });
});

describe("the blank disk", () => {
  test("is an empty filesystem that takes next to no space, and is made once", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    const [blank, same] = await Promise.all([store.blank(4096), store.blank(4096)]);
    expect(same).toEqual(blank);
    const file = await stat(blank.path);
    expect(file.size).toBe(4096 * 1024 ** 2);
    expect(file.blocks * 512).toBeLessThan(8 * 1024 ** 2);
    const superblock = Buffer.alloc(1024);
    const disk = await open(blank.path);
    await disk.read(superblock, 0, 1024, 1024);
    await disk.close();
    expect(superblock.readUInt16LE(56).toString(16)).toBe("ef53");
  });
});

function filesIn(store: LayerStore, name: string): Promise<string[]> {
  return readdir(join(store.root, name));
}
