/**
 * A child process that goes through a store's life with little space left: `node full-disk-life.ts ROOT
 * FREE_BYTES` in a filesystem of its own. Prints the failure's code, or `done`, and checks that the store is
 * valid before and after there is space again.
 */
import { readdir, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Failure } from "../../src/diagnostics/failure.ts";
import { openLayerStore } from "../../src/layers/open-layer-store.ts";
import { isLayerKey } from "../../src/model/identifiers.ts";
import { liveThrough } from "./layer-store-life.ts";

const [root = "", freeBytes = ""] = process.argv.slice(2);
const filler = join(root, "filler");
const store = join(root, "store");

async function requireValidStore(): Promise<void> {
  const keys = (await readdir(join(store, "layers"))).filter(isLayerKey);
  const opened = await openLayerStore(store);
  const found = await opened.find(keys);
  if (found.size !== keys.length) throw new Error(`of ${keys.length} layers ${found.size} are complete`);
  for (const snapshot of await opened.listSnapshots()) {
    if (snapshot.layer !== null) await opened.chainOf(snapshot.layer);
  }
}

await openLayerStore(store);
const { bavail, bsize } = await statfs(root);
await writeFile(filler, Buffer.alloc(Math.max(0, bavail * bsize - Number(freeBytes))));
let outcome = "done";
try {
  await liveThrough(store, () => undefined);
} catch (error) {
  outcome = error instanceof Failure ? error.code : String(error);
  await requireValidStore();
}
await rm(filler);
await liveThrough(store, () => undefined);
await requireValidStore();
process.stdout.write(outcome);
