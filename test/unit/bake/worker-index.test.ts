import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type KnownLayer, recordDigest } from "../../../src/bake/layer-lookup.ts";
import { dropStaleIndex, WorkerIndex } from "../../../src/bake/worker-index.ts";
import { workerIndexPath } from "../../../src/bake/worker-index-file.ts";
import { layerKey } from "../../../src/model/identifiers.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "lightbox-index-"));
});
afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

const worker = { storeId: "store", generation: 1, platform: "linux/amd64" };

function layer(number: number): KnownLayer {
  const key = layerKey(number.toString(16).padStart(32, "0"));
  return {
    key,
    recordDigest: recordDigest(`record ${number}`),
    sizeBytes: 1,
    durationMs: 2,
    outputValues: {},
  };
}

async function learned(...layers: KnownLayer[]): Promise<WorkerIndex> {
  const index = await WorkerIndex.load(home, "w");
  index.learn({ worker, asked: [], layers });
  await index.save();
  return index;
}

async function known(...layers: KnownLayer[]): Promise<number> {
  const index = await WorkerIndex.load(home, "w");
  return (await index.findLayers(layers.map(({ key }) => key))).size;
}

test("what was learned is there after loading again", async () => {
  const index = await learned(layer(1));
  const snapshot = { layer: layer(1).key, fingerprint: recordDigest("x") };
  index.learnSnapshot("app", snapshot);
  await index.save();
  const again = await WorkerIndex.load(home, "w");
  expect((await again.findLayers([layer(1).key, layer(2).key])).get(layer(1).key)).toEqual(layer(1));
  expect(await again.findSnapshot("app")).toEqual(snapshot);
});

test("a layer that the worker was asked for and has not is forgotten", async () => {
  await learned(layer(1), layer(2));
  const index = await WorkerIndex.load(home, "w");
  index.learn({ worker, asked: [layer(1).key, layer(2).key], layers: [layer(2)] });
  await index.save();
  expect(await known(layer(1), layer(2))).toBe(1);
});

test("another store or generation replaces all that was known", async () => {
  await learned(layer(1));
  const index = await WorkerIndex.load(home, "w");
  index.learn({ worker: { ...worker, generation: 2 }, asked: [], layers: [layer(2)] });
  await index.save();
  expect(await known(layer(1))).toBe(0);
  expect(await known(layer(2))).toBe(1);
});

test("saving keeps what another bake has saved meanwhile", async () => {
  const slow = await learned(layer(1));
  const fast = await WorkerIndex.load(home, "w");
  fast.learn({ worker, asked: [layer(1).key], layers: [layer(2)] });
  fast.learnSnapshot("app", { layer: layer(2).key, fingerprint: recordDigest("new") });
  await fast.save();
  slow.learnLayer(layer(3));
  await slow.save();
  expect(await known(layer(1))).toBe(0);
  expect(await known(layer(2), layer(3))).toBe(2);
  expect(await (await WorkerIndex.load(home, "w")).findSnapshot("app")).toBeDefined();
});

test("the file stays small: the layers that were learned first go first", async () => {
  await learned(...Array.from({ length: 5000 }, (_, number) => layer(number)));
  expect(await known(layer(0), layer(999))).toBe(0);
  expect(await known(layer(1000), layer(4999))).toBe(2);
});

test("a line that cannot be read is a layer that is not known", async () => {
  await learned(layer(1), layer(2));
  const path = workerIndexPath(home, "w");
  const file = JSON.parse(await readFile(path, "utf8"));
  file.layers[0] = file.layers[0].replace(/ [0-9]+ /, " -1 ");
  file.layers[1] = file.layers[1].slice(0, 50);
  await writeFile(path, JSON.stringify(file));
  expect(await known(layer(1), layer(2))).toBe(0);
});

test("a stale index is dropped by whoever opens the worker, a current one stays", async () => {
  await learned(layer(1));
  await dropStaleIndex({ homeDirectory: home, workerName: "w", worker });
  expect(await known(layer(1))).toBe(1);
  await dropStaleIndex({ homeDirectory: home, workerName: "w", worker: { ...worker, generation: 2 } });
  expect(await known(layer(1))).toBe(0);
  await dropStaleIndex({ homeDirectory: home, workerName: "w", worker });
});

test("a worker's name cannot lead out of the folder of indexes", async () => {
  const path = workerIndexPath(home, "../../etc/x");
  expect(path.startsWith(join(home, "index"))).toBe(true);
  const index = await WorkerIndex.load(home, "https://host:1/x");
  index.learn({ worker, asked: [], layers: [layer(1)] });
  await index.save();
  expect(await readFile(workerIndexPath(home, "https://host:1/x"), "utf8")).toContain("store");
});
