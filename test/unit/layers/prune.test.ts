import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LayerStore } from "../../../src/layers/layer-store.ts";
import { openLayerStore } from "../../../src/layers/open-layer-store.ts";
import { decidePrune, type PruneCandidate, type PruneInput } from "../../../src/layers/prune.ts";
import { keyNumber, sealRequest, snapshotOf } from "../../support/layer-store-fixture.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const minute = 60_000;
const nowMs = 1_000 * minute;

/** A layer of 100 bytes, last used that many minutes ago. */
function layer(number: number, parent: number | null, minutesAgo: number): PruneCandidate {
  return {
    kind: "layer",
    key: keyNumber(number),
    title: `RUN ${number}`,
    parent: parent === null ? null : keyNumber(parent),
    sizeBytes: 100,
    lastUsedMs: nowMs - minutesAgo * minute,
    usable: true,
  };
}

const debug = (number: number, parent: number | null, minutesAgo: number): PruneCandidate => ({
  ...layer(number, parent, minutesAgo),
  kind: "debug",
});
const damaged = (candidate: PruneCandidate): PruneCandidate => ({ ...candidate, usable: false });

/** What goes, in order: the numbers of the layers, those of debug disks with a `d`. */
function removed(
  items: readonly PruneCandidate[],
  options: {
    readonly needed?: readonly number[];
    readonly neededDebug?: readonly number[];
    readonly keep?: number;
    readonly olderMinutes?: number;
  } = {},
): string[] {
  const decision = decidePrune({
    items,
    needed: (options.needed ?? []).map(keyNumber),
    neededDebug: (options.neededDebug ?? []).map(keyNumber),
    keepStorageBytes: options.keep ?? null,
    olderThanMs: options.olderMinutes === undefined ? null : options.olderMinutes * minute,
    nowMs,
  });
  const removedBytes = decision.remove.reduce((sum, item) => sum + item.sizeBytes, 0);
  expect(decision.keptBytes).toBe(items.length * 100 - removedBytes);
  return decision.remove.map((item) => `${Number.parseInt(item.key, 16)}${item.kind === "debug" ? "d" : ""}`);
}

/** 1 ← 2 ← 3 and 2 ← 4 */
const tree = [layer(1, null, 40), layer(2, 1, 30), layer(3, 2, 20), layer(4, 2, 10)];

describe("what a prune removes", () => {
  test("without limits: all that nothing needs, children before parents, the longest unused first", () => {
    expect(removed(tree)).toEqual(["3", "4", "2", "1"]);
  });

  test("never what a snapshot or a hold needs, nor anything below it", () => {
    expect(removed(tree, { needed: [3] })).toEqual(["4"]);
    expect(removed(tree, { needed: [2] })).toEqual(["3", "4"]);
    expect(removed(tree, { needed: [3, 4] })).toEqual([]);
    expect(removed(tree, { needed: [99] })).toEqual(["3", "4", "2", "1"]);
  });

  test("with an age: only what neither it nor anything above it was used since", () => {
    expect(removed(tree, { olderMinutes: 15 })).toEqual(["3"]);
    expect(removed(tree, { olderMinutes: 5 })).toEqual(["3", "4", "2", "1"]);
    expect(removed(tree, { olderMinutes: 35 })).toEqual([]);
    expect(removed([layer(1, null, 1), layer(2, 1, 99)], { olderMinutes: 50 })).toEqual(["2"]);
  });

  test("with a size: the least recently used until the rest fits", () => {
    expect(removed(tree, { keep: 400 })).toEqual([]);
    expect(removed(tree, { keep: 399 })).toEqual(["3"]);
    expect(removed(tree, { keep: 200 })).toEqual(["3", "4"]);
    expect(removed(tree, { keep: 0 })).toEqual(["3", "4", "2", "1"]);
    expect(removed(tree, { keep: 0, needed: [4] })).toEqual(["3"]);
  });

  test("with both: until the rest fits, but nothing young", () => {
    expect(removed(tree, { keep: 0, olderMinutes: 15 })).toEqual(["3"]);
    expect(removed(tree, { keep: 300, olderMinutes: 5 })).toEqual(["3"]);
  });

  test("failed steps' disks before layers, whatever their age, unless somebody looks at one", () => {
    const items = [...tree, debug(5, 4, 0)];
    expect(removed(items, { keep: 400 })).toEqual(["5d"]);
    expect(removed(items)).toEqual(["5d", "3", "4", "2", "1"]);
    expect(removed(items, { neededDebug: [5] })).toEqual(["3"]);
    expect(removed(items, { olderMinutes: 15 })).toEqual(["3"]);
  });

  test("what cannot be used at once, whatever its age and however much may stay", () => {
    const items = [
      layer(1, null, 1),
      damaged(layer(2, 1, 0)),
      damaged(layer(3, 2, 0)),
      damaged(debug(4, 3, 0)),
    ];
    expect(removed(items, { keep: 1000, olderMinutes: 100 })).toEqual(["4d", "3", "2"]);
    // It is still what a snapshot names: it may be mended from a copy.
    expect(removed(items, { keep: 1000, needed: [3] })).toEqual(["4d"]);
  });

  test("in order, keeping what is needed, for any set of layers", () => {
    const forest = fc
      .array(
        fc.record({ parent: fc.nat(), minutesAgo: fc.nat(50), isDebug: fc.boolean(), isRoot: fc.boolean() }),
        { maxLength: 30 },
      )
      .map((nodes) =>
        nodes.map(({ parent, minutesAgo, isDebug, isRoot }, at) => {
          const below = nodes.slice(0, at).flatMap((node, index) => (node.isDebug ? [] : [index]));
          const chosen = isRoot ? undefined : below[parent % Math.max(1, below.length)];
          return (isDebug ? debug : layer)(at, chosen ?? null, minutesAgo);
        }),
      );
    const limits = { nil: null, freq: 2 };
    fc.assert(
      fc.property(
        forest,
        fc.array(fc.nat(30)),
        fc.option(fc.nat(3000), limits),
        fc.option(fc.nat(50 * minute), limits),
        (items, needed, keepStorageBytes, olderThanMs) => {
          const input = {
            items,
            needed: needed.map(keyNumber),
            neededDebug: [],
            keepStorageBytes,
            olderThanMs,
            nowMs,
          };
          expectSoundDecision(input);
        },
      ),
    );
  });
});

function expectSoundDecision(input: PruneInput<PruneCandidate>): void {
  const { remove } = decidePrune(input);
  const gone = new Set<PruneCandidate>();
  for (const item of remove) {
    expect(gone.has(item)).toBe(false);
    gone.add(item);
    // Nothing that is still there stands on it.
    if (item.kind === "layer") {
      expect(input.items.filter((other) => other.parent === item.key && !gone.has(other))).toEqual([]);
      expect([...input.needed]).not.toContain(item.key);
    }
    if (input.olderThanMs !== null) expect(nowMs - item.lastUsedMs).toBeGreaterThan(input.olderThanMs);
  }
}

const everything = { keepStorageBytes: null, olderThanMs: null, dryRun: false };
const diskSizeMib = 16;

/** Layers 1 ← 2 ← 3. */
async function storeWithChain(root: string): Promise<LayerStore> {
  const store = await openLayerStore(root);
  for (const number of [1, 2, 3]) {
    const parent = number === 1 ? null : keyNumber(number - 1);
    const disk = await store.createWritable({ parent, diskSizeMib });
    await disk.seal(sealRequest(number));
  }
  return store;
}

const layersOf = (store: LayerStore) => readdir(join(store.root, "layers"));

describe("pruning a store", () => {
  test("removes what nothing needs and says that the store has changed", async () => {
    await using folder = await temporaryFolder();
    const store = await storeWithChain(folder.path);
    await store.publishSnapshot("app", snapshotOf(keyNumber(2), diskSizeMib));
    await store.publishSnapshot("app", snapshotOf(keyNumber(1), diskSizeMib));

    const planned = await store.prune({ ...everything, dryRun: true });
    expect(await layersOf(store)).toHaveLength(3);
    expect(await store.generation()).toBe(0);
    const outcome = await store.prune(everything);

    expect(outcome).toEqual(planned);
    // `app@previous` needs the second.
    expect(outcome.removed.map(({ key }) => key)).toEqual([keyNumber(3)]);
    expect(outcome.freedBytes).toBeGreaterThan(0);
    expect(await layersOf(store)).toEqual([keyNumber(1), keyNumber(2)]);
    expect(await store.generation()).toBe(1);
    expect((await store.prune(everything)).removed).toEqual([]);
    expect(await store.generation()).toBe(1);
  });

  test("knows from touch what was used last", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    for (const number of [1, 2]) {
      const disk = await store.createWritable({ parent: null, diskSizeMib });
      await disk.seal(sealRequest(number));
      const record = join(folder.path, "layers", keyNumber(number), "layer.json");
      await utimes(record, new Date(number), new Date(number));
    }
    await store.touch(keyNumber(1));
    await store.touch(keyNumber(9));
    const { sizeBytes } = await store.get(keyNumber(1));
    const outcome = await store.prune({ ...everything, keepStorageBytes: sizeBytes });
    expect(outcome.removed.map(({ key }) => key)).toEqual([keyNumber(2)]);
  });

  test("leaves alone what a process holds, until it ends or lets go", async () => {
    await using folder = await temporaryFolder();
    const store = await storeWithChain(folder.path);
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    await store.hold(keyNumber(3), { kind: "process", pid: child.pid ?? 0 });
    const release = await store.hold(keyNumber(2), { kind: "process", pid: process.pid });
    expect((await store.prune(everything)).removed).toEqual([]);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect((await store.prune(everything)).removed.map(({ key }) => key)).toEqual([keyNumber(3)]);
    await release();
    await release();
    expect((await store.prune(everything)).removed).toHaveLength(2);
    expect(await readdir(join(folder.path, "holds"))).toEqual([]);
  });

  test("a hold on a layer that is still to come protects it once it is there", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    await store.hold(keyNumber(3), { kind: "process", pid: process.pid });
    await storeWithChain(folder.path);
    expect((await store.prune(everything)).removed).toEqual([]);
  });

  test("leaves alone what a builder writes over, and its temporary files", async () => {
    await using folder = await temporaryFolder();
    const store = await storeWithChain(folder.path);
    const disk = await store.createWritable({ parent: keyNumber(2), diskSizeMib });
    expect((await store.prune(everything)).removed.map(({ key }) => key)).toEqual([keyNumber(3)]);
    const record = await disk.seal(sealRequest(4));
    expect((await store.chainOf(record.key)).map(({ key }) => key)).toEqual([4, 2, 1].map(keyNumber));
  });

  test("deletes what dead processes and damage left", async () => {
    await using folder = await temporaryFolder();
    const store = await storeWithChain(folder.path);
    const leftover = join(folder.path, "tmp", `4000000-00000000t1.${"0".repeat(16)}`);
    await mkdir(leftover);
    await writeFile(join(leftover, "disk.qcow2"), Buffer.alloc(100_000));
    await writeFile(join(folder.path, "layers", keyNumber(2), "layer.json"), "");
    const outcome = await store.prune({ ...everything, keepStorageBytes: 10 ** 12, olderThanMs: 10 ** 12 });
    expect(outcome.removed.map(({ key }) => key)).toEqual([3, 2].map(keyNumber));
    expect(outcome.freedBytes).toBeGreaterThan(100_000);
    expect(await readdir(join(folder.path, "tmp"))).toEqual([]);
    expect(await layersOf(store)).toEqual([keyNumber(1)]);
  });

  test("and a bake that starts at the same time do not get in each other's way", async () => {
    await using folder = await temporaryFolder();
    const store = await storeWithChain(folder.path);
    const other = await openLayerStore(folder.path);
    const [disk] = await Promise.allSettled([
      store.createWritable({ parent: keyNumber(3), diskSizeMib }),
      other.prune(everything),
    ]);
    // Whoever came first: either the layers are there for the disk, or there is no disk.
    if (disk.status === "fulfilled") {
      expect(await layersOf(store)).toHaveLength(3);
      await disk.value.seal(sealRequest(4));
      expect(await store.chainDepth(keyNumber(4))).toBe(4);
    } else {
      expect(disk.reason).toMatchObject({ code: "UnknownLayer" });
      expect(await layersOf(store)).toEqual([]);
    }
  });
});

describe("pruning empty disks", () => {
  const blanksOf = async (root: string) => (await readdir(root)).filter((name) => name.startsWith("blank-"));

  test("removes those that nothing stands on, once the layers above them are gone", async () => {
    await using folder = await temporaryFolder();
    const store = await storeWithChain(folder.path);
    await store.blank(32);
    await store.publishSnapshot("app", snapshotOf(keyNumber(1), diskSizeMib));
    const planned = await store.prune({ ...everything, dryRun: true });
    expect(await blanksOf(folder.path)).toEqual(["blank-16", "blank-32"]);
    expect(await store.prune(everything)).toEqual(planned);
    expect(await blanksOf(folder.path)).toEqual(["blank-16"]);
    expect(await layersOf(store)).toEqual([keyNumber(1)]);
    await store.removeSnapshot("app");
    const { freedBytes } = await store.prune(everything);
    expect(freedBytes).toBeGreaterThan(0);
    expect(await blanksOf(folder.path)).toEqual([]);
  });

  test("keeps what was made lately when only old things are to go", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    await store.blank(16);
    await store.blank(32);
    await utimes(join(folder.path, "blank-32", "blank.json"), new Date(0), new Date(0));
    await store.prune({ ...everything, olderThanMs: 60_000 });
    expect(await blanksOf(folder.path)).toEqual(["blank-16"]);
  });

  test("leaves alone what a builder or a sandbox writes over, until it lets go", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    const builder = await store.createWritable({ parent: null, diskSizeMib: 16 });
    const directory = join(folder.path, "sandboxes", "web");
    await mkdir(directory, { recursive: true });
    await store.createWritable({ parent: null, diskSizeMib: 32, directory });
    const kept = join(folder.path, "kept.qcow2");
    await writeFile(kept, "");
    await store.blank(64);
    await store.holdBase({ parent: null, diskSizeMib: 64 }, { kind: "file", path: kept });
    await store.prune(everything);
    expect(await blanksOf(folder.path)).toEqual(["blank-16", "blank-32", "blank-64"]);
    await builder.discard();
    await rm(directory, { recursive: true });
    await rm(kept);
    await store.prune(everything);
    expect(await blanksOf(folder.path)).toEqual([]);
  });

  test("a layer that is sealed on an empty disk after a prune is whole", async () => {
    await using folder = await temporaryFolder();
    const store = await openLayerStore(folder.path);
    const disk = await store.createWritable({ parent: null, diskSizeMib });
    await store.prune(everything);
    await disk.seal(sealRequest(1));
    expect((await store.get(keyNumber(1))).parent).toBeNull();
  });
});
