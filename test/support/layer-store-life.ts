/**
 * A child process that does everything to a store that changes it, and is killed at one of the points where
 * that would matter: `node layer-store-life.ts ROOT POINT`, POINT counting from 0. Exits with 0 when it got to
 * the end without coming to that point.
 */
import { openLayerStore } from "../../src/layers/open-layer-store.ts";
import { keyNumber, sealRequest, snapshotOf } from "./layer-store-fixture.ts";

const diskSizeMib = 16;

export async function liveThrough(root: string, onCheckpoint: (point: string) => void): Promise<void> {
  const store = await openLayerStore(root, { onCheckpoint });
  onCheckpoint("store opened");
  const builder = await store.createWritable({ parent: null, diskSizeMib });
  const log = await builder.openLog(keyNumber(1));
  log.write("output");
  await log.close();
  onCheckpoint("disk made");
  await builder.sealCopy(sealRequest(1));
  await store.publishSnapshot("app", snapshotOf(keyNumber(1), diskSizeMib));
  await builder.seal(sealRequest(2));
  await store.publishSnapshot("app", snapshotOf(keyNumber(2), diskSizeMib));
  const second = await store.createWritable({ parent: keyNumber(2), diskSizeMib });
  await second.seal(sealRequest(3));
  const failing = await store.createWritable({ parent: keyNumber(3), diskSizeMib });
  const { key, imageDigest, title } = sealRequest(4);
  await failing.sealAsDebug({ key, imageDigest, title });
  await store.volumes.ensure("kept", { tier: "ci" });
  await store.volumes.ensure("gone", { tier: "ci" });
  const volumes = await store.volumes.hold(["kept"], { kind: "process", pid: process.pid });
  await store.volumes.remove("gone");
  await volumes.release();
  const release = await store.lock("bake");
  onCheckpoint("lock held");
  await release();
  await store.prune({ keepStorageBytes: null, olderThanMs: null, dryRun: false });
}

const [root, point] = process.argv.slice(2);
if (import.meta.main && root !== undefined) {
  let seen = 0;
  await liveThrough(root, () => {
    if (seen++ === Number(point)) process.kill(process.pid, "SIGKILL");
  });
}
