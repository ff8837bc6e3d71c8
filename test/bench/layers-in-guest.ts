// Runs where microVMs run. Over parents of three sizes: sealing a step and launching over it, against microsandbox's own
// snapshot() and fromSnapshot(). Then the bytes that ten small steps store. Posts its result to the URL of argv.
import { mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { Image, Sandbox, type SandboxBuilder } from "microsandbox";
import type { LayerStore, WritableDisk } from "../../src/layers/layer-store.ts";
import { openLayerStore } from "../../src/layers/open-layer-store.ts";
import { type LayerKey, layerKey, sha256Digest } from "../../src/model/identifiers.ts";
import type { LayersResult, ParentResult } from "./layers.ts";

const [folder = ".", resultUrl = ""] = process.argv.slice(2);
const mebibyte = 2 ** 20;
const diskSizeMib = 8192;
const imageTag = "bench:base";
const imageDigest = sha256Digest(`sha256:${"0".repeat(64)}`);

let keys = 0;
function nextKey(): LayerKey {
  keys += 1;
  return layerKey(keys.toString(16).padStart(32, "0"));
}

async function timed<Value>(work: () => Promise<Value>): Promise<{ value: Value; durationMs: number }> {
  const started = performance.now();
  const value = await work();
  return { value, durationMs: performance.now() - started };
}

function builder(name: string): SandboxBuilder {
  return Sandbox.builder(name).image(imageTag).pullPolicy("never").cpus(1).memory(512);
}

function overDisk(name: string, disk: WritableDisk): SandboxBuilder {
  // The setters return the native class; only `create` of the type above is the SDK's own.
  return builder(name).rootDisk((root) =>
    root.disk(disk.path).format("qcow2").fstype("ext4"),
  ) as SandboxBuilder;
}

async function end(sandbox: Sandbox): Promise<void> {
  await sandbox.shell("sync");
  await sandbox.kill();
}

const write = (mebibytes: number): string =>
  `dd if=/dev/urandom of=/parent bs=1M count=${Math.min(mebibytes, 64)} 2>/dev/null; ` +
  `for i in $(seq 2 ${Math.ceil(mebibytes / 64)}); do cp /parent /parent-$i; done; sync`;

const smallStep = "echo small > /small; sync";

function sealRequest(key: LayerKey) {
  return { key, imageDigest, keyRecord: "{}", title: "bench", coveredKeys: [], durationMs: 0 };
}

/** Runs a script over the parent and seals it; the time is that of the seal alone. */
async function sealStep(store: LayerStore, parent: LayerKey | null, script: string) {
  const disk = await store.createWritable({ parent, diskSizeMib });
  const sandbox = await overDisk(`bench-${keys}-${Date.now()}`, disk).create();
  await sandbox.shell(script);
  const key = nextKey();
  const { value, durationMs } = await timed(async () => {
    await end(sandbox);
    return await disk.seal(sealRequest(key));
  });
  await Sandbox.remove(sandbox.name);
  return { key, durationMs, sizeBytes: value.sizeBytes };
}

async function measureParent(store: LayerStore, mebibytes: number): Promise<ParentResult> {
  const parent = await sealStep(store, null, write(mebibytes));
  const step = await sealStep(store, parent.key, smallStep);
  const launch = await timed(async () => {
    const disk = await store.createWritable({ parent: step.key, diskSizeMib });
    return { disk, sandbox: await overDisk(`launch-${mebibytes}`, disk).create() };
  });
  await launch.value.sandbox.kill();
  await launch.value.disk.discard();
  await Sandbox.remove(`launch-${mebibytes}`);

  const theirs = await theirParent(mebibytes);
  const snapshot = await timed(() => theirs.snapshot(`step-${mebibytes}`));
  const fromSnapshot = await timed(() =>
    (
      Sandbox.builder(`from-${mebibytes}`)
        .fromSnapshot(`step-${mebibytes}`)
        .cpus(1)
        .memory(512) as SandboxBuilder
    ).create(),
  );
  await fromSnapshot.value.kill();
  await Sandbox.remove(`from-${mebibytes}`);
  await Sandbox.remove(theirs.name);
  return {
    sizeBytes: mebibytes * mebibyte,
    sealMs: step.durationMs,
    launchMs: launch.durationMs,
    snapshotMs: snapshot.durationMs,
    fromSnapshotMs: fromSnapshot.durationMs,
  };
}

/** A stopped sandbox of microsandbox's own that has written as much, and the small step. */
async function theirParent(mebibytes: number) {
  const sandbox = await (builder(`theirs-${mebibytes}`).rootDisk(diskSizeMib) as SandboxBuilder).create();
  await sandbox.shell(write(mebibytes));
  await sandbox.shell(smallStep);
  await end(sandbox);
  return await Sandbox.get(sandbox.name);
}

async function bytesOnDisk(path: string): Promise<number> {
  const status = await stat(path);
  if (!status.isDirectory()) return status.blocks * 512;
  let sum = 0;
  for (const name of await readdir(path)) sum += await bytesOnDisk(join(path, name));
  return sum;
}

async function measureStorage(
  store: LayerStore,
): Promise<Pick<LayersResult, "storedBytes" | "snapshotBytes">> {
  let tip = await sealStep(store, null, write(256));
  let storedBytes = tip.sizeBytes;
  for (let step = 0; step < 10; step++) {
    tip = await sealStep(store, tip.key, `echo ${step} > /step-${step}; sync`);
    storedBytes += tip.sizeBytes;
  }
  const theirs = await theirParent(256);
  let snapshotBytes = 0;
  for (let step = 0; step < 10; step++) {
    const sandbox = await theirs.start();
    await sandbox.shell(`echo ${step} > /step-${step}; sync`);
    await end(sandbox);
    const handle = await Sandbox.get(theirs.name);
    const snapshot = await handle.snapshot(`stored-${step}`);
    snapshotBytes += await bytesOnDisk(snapshot.path);
  }
  return { storedBytes, snapshotBytes };
}

await mkdir(folder, { recursive: true });
await Image.load(join(folder, "base.tar"), { tag: imageTag });
const store = await openLayerStore(join(folder, "store"));
const parents: ParentResult[] = [];
for (const mebibytes of [1, 256, 2048]) parents.push(await measureParent(store, mebibytes));
const result: LayersResult = { parents, ...(await measureStorage(store)) };
await fetch(resultUrl, { method: "POST", body: JSON.stringify(result) });
