import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { LayerStore } from "../../../../src/layers/layer-store.ts";
import { openLayerStore } from "../../../../src/layers/open-layer-store.ts";
import { LineageBuilder } from "../../../../src/worker/local/lineage/lineage-builder.ts";
import { SealCost } from "../../../../src/worker/local/lineage/seal-cost.ts";
import { openLocalWorker } from "../../../../src/worker/local/local-worker.ts";
import type { Microsandbox } from "../../../../src/worker/local/microvm/microsandbox.ts";
import { CacheStore } from "../../../../src/worker/local/run/cache-store.ts";
import { SandboxRecords } from "../../../../src/worker/local/sandboxes/sandbox-record.ts";
import { reserveForBuilder } from "../../../../src/worker/local/sandboxes/sandboxes.ts";
import { holdVolumes, removeVolume } from "../../../../src/worker/local/volumes.ts";
import { plainRun } from "../../../support/plain-operations.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";
import { forever, lineageOf, RecordingClient, runStep } from "../contract/contract-rig.ts";
import { testImage } from "../remote/test-image.ts";

const nothingEnded = async () => undefined;

// Nothing here boots.
const microsandbox = {} as unknown as Microsandbox;

function mounting(volume: string) {
  const step = runStep("RUN use", null);
  if (step.operation.kind !== "run") throw new Error("not a RUN");
  const mount = { kind: "volume", name: volume, target: "/data", readOnly: false } as const;
  return { ...step, operation: { ...step.operation, ...plainRun, mounts: [mount] } };
}

/** As launching one does. */
async function sandboxWith(store: LayerStore, records: SandboxRecords, name: string, volumes: string[]) {
  await records.reserve(name);
  await store.volumes.hold(volumes, await records.holdOwner(name));
}

test("a worker without microVMs lists, makes and removes volumes, those of earlier versions too", async () => {
  await using folder = await temporaryFolder();
  await using worker = await openLocalWorker({ storeDirectory: folder.path, version: "1.2.3" });
  await mkdir(join(folder.path, "volumes/old"));
  const made = await worker.ensureVolume({ name: "npm", labels: { tier: "ci" } }, forever);
  expect(await worker.listVolumes(forever)).toEqual([made, expect.objectContaining({ name: "old" })]);
  await worker.removeVolume("old", forever);
  await worker.removeVolume("npm", forever);
  expect(await worker.listVolumes(forever)).toEqual([]);
  await expect(worker.removeVolume("npm", forever)).rejects.toMatchObject({ code: "UnknownVolume" });
});

test("a name that is none is refused, and leads out of no folder", async () => {
  await using folder = await temporaryFolder();
  await using worker = await openLocalWorker({ storeDirectory: folder.path, version: "1.2.3" });
  for (const name of ["../layers", ".records", "", "a/b"]) {
    const refused = { code: "SandboxNameRefused", message: expect.stringContaining("a volume's name") };
    await expect(worker.ensureVolume({ name, labels: {} }, forever)).rejects.toMatchObject(refused);
    await expect(worker.removeVolume(name, forever)).rejects.toMatchObject(refused);
    await expect(holdVolumes(await openLayerStore(folder.path), [name])).rejects.toMatchObject(refused);
  }
});

test("a volume of a sandbox stays until the sandbox is removed, whoever has the name afterwards", async () => {
  await using folder = await temporaryFolder();
  const store = await openLayerStore(folder.path);
  const records = new SandboxRecords(store.root, store.storeId);
  await sandboxWith(store, records, "web", ["npm"]);
  await sandboxWith(store, records, "api", ["npm"]);
  await expect(removeVolume(store, "npm", nothingEnded)).rejects.toMatchObject({
    code: "VolumeInUse",
    category: "usage",
    message: "volume npm is mounted by sandboxes api, web",
    hint: expect.stringContaining("lightbox rm api web"),
  });
  await records.remove("api");
  await records.remove("web");
  await sandboxWith(store, records, "web", ["other"]);
  await removeVolume(store, "npm", nothingEnded);
  expect((await store.volumes.list()).map(({ name }) => name)).toEqual(["other"]);
});

test("a sandbox that was to go when it ends keeps no volume", async () => {
  await using folder = await temporaryFolder();
  const store = await openLayerStore(folder.path);
  const records = new SandboxRecords(store.root, store.storeId);
  await sandboxWith(store, records, "web", ["npm"]);
  await removeVolume(store, "npm", () => records.remove("web"));
  expect(await store.volumes.list()).toEqual([]);
});

test("a bake keeps the volumes of its steps to its end, also when the builder does not start", async () => {
  await using folder = await temporaryFolder();
  const store = await openLayerStore(folder.path);
  const request = lineageOf({ image: testImage, diskSizeMib: 16 }, [mounting("npm")]);
  const builder = new LineageBuilder({
    host: {
      microsandbox,
      store,
      sealCost: await SealCost.read(store.root),
      copiedBytesPerMs: 0,
      imageReference: () => Promise.reject(new Error("no image")),
      caches: new CacheStore(store),
      holdVolumes: (names) => holdVolumes(store, names),
      reserveSandbox: () => Promise.reject(new Error("none to reserve")),
    },
    request,
    client: new RecordingClient(),
    signal: forever,
    reservation: null,
  });
  await expect(builder.ready(0, null)).rejects.toThrow("no image");
  await builder.drop();
  await expect(removeVolume(store, "npm", nothingEnded)).rejects.toMatchObject({
    code: "VolumeInUse",
    message: "volume npm is mounted by a bake that is under way",
  });
  await builder.close();
  await removeVolume(store, "npm", nothingEnded);
});

test("a failed builder that is kept keeps the volumes that it has", async () => {
  await using folder = await temporaryFolder();
  const store = await openLayerStore(folder.path);
  const records = new SandboxRecords(store.root, store.storeId);
  const host = { microsandbox, store, records, defaultResources: { cpus: 1, memoryMib: 256 } };
  const reservation = await reserveForBuilder(host, "failed");
  const bake = await holdVolumes(store, ["npm"]);
  const disk = await store.createWritable({ parent: null, diskSizeMib: 16 });
  await reservation.keep({ disk, operation: mounting("npm").operation, volumes: ["npm"] });
  await bake.release();
  expect(await records.list()).toMatchObject([{ name: "failed", configuration: { user: "root" } }]);
  await expect(removeVolume(store, "npm", nothingEnded)).rejects.toMatchObject({
    message: "volume npm is mounted by sandbox failed",
  });
});
