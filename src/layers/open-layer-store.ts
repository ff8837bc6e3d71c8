import { randomUUID } from "node:crypto";
import { link, mkdir, readdir, realpath, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import * as v from "valibot";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import {
  readJsonFile,
  readTextIfPresent,
  replaceFile,
  syncDirectory,
  withStorageFailures,
  writeNewFile,
} from "./durable-file.ts";
import { FolderLayerStore } from "./folder-layer-store.ts";
import { countSchema } from "./layer-record.ts";
import type { LayerStore, LayerStoreOptions } from "./layer-store.ts";
import { ProcessLocks } from "./lock.ts";
import { StoreContext, storeFolders } from "./store-context.ts";

/** Version of the folder layout; a store with a greater number is refused. */
const storeVersion = 1;

/** Where a store keeps what tells its states apart, e.g. to see whether anything was removed. */
export function storePaths(root: string) {
  return {
    identity: join(root, "store.json"),
    snapshots: join(root, "snapshots"),
    layers: join(root, "layers"),
  } as const;
}

const identitySchema = v.object({ storeId: v.string(), generation: countSchema });

/**
 * Opens the store in a folder, making it if it is not there.
 * @throws Failure `StoreVersionTooNew`, `StoreRefused` (the folder is something else), `NoSpaceLeft`,
 *   `StoreNotWritable`
 */
export async function openLayerStore(root: string, options: LayerStoreOptions = {}): Promise<LayerStore> {
  const wanted = resolve(root);
  return withStorageFailures(wanted, async () => {
    await mkdir(wanted, { recursive: true });
    const path = await realpath(wanted);
    if (!(await hasVersion(path))) await initialize(path);
    // Also after a restored copy that left empty folders out.
    for (const name of storeFolders) await mkdir(join(path, name), { recursive: true });
    const store = new StoreContext({
      root: path,
      locks: new ProcessLocks(join(path, "locks")),
      onDamage: options.onDamage ?? (() => undefined),
      checkpoint: options.onCheckpoint ?? (() => undefined),
    });
    const { storeId } = await readIdentity(path);
    return new FolderLayerStore(store, storeId, {
      read: async () => (await readIdentity(path)).generation,
      bump: () => bumpGeneration(path),
    });
  });
}

/** True for a store that this version can use, false where there is none. */
async function hasVersion(root: string): Promise<boolean> {
  const text = await readTextIfPresent(join(root, "version"));
  if (text === undefined) return false;
  const version = /^\d{1,9}\n?$/.test(text) ? Number(text) : undefined;
  if (version === storeVersion) return true;
  if (version === undefined || version < storeVersion) {
    throw storeRefused(root, `its version file says ${JSON.stringify(text.slice(0, 40))}`);
  }
  throw new Failure({
    code: "StoreVersionTooNew",
    category: "environment",
    message: `the layer store in ${root} has version ${version}; this lightbox knows up to ${storeVersion}`,
    hint: "update lightbox, or choose another store folder",
  });
}

/** The version file comes last: a store without one is made from scratch or finished. */
async function initialize(root: string): Promise<void> {
  const ours = new Set<string>([...storeFolders, "store.json"]);
  const foreign = (await readdir(root)).find((name) => !ours.has(name) && !name.endsWith(".tmp"));
  if (foreign !== undefined && foreign !== "version") throw storeRefused(root, `it has ${foreign} in it`);
  for (const name of storeFolders) await mkdir(join(root, name), { recursive: true });
  // By link: of two processes that start the store at once one gives it its identity.
  const temporary = join(root, `store.json.${randomUUID()}.tmp`);
  try {
    await writeNewFile(temporary, JSON.stringify({ storeId: randomUUID(), generation: 0 }));
    await link(temporary, join(root, "store.json"));
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST") throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  await syncDirectory(root);
  await replaceFile(join(root, "version"), `${storeVersion}\n`);
}

async function readIdentity(root: string): Promise<v.InferOutput<typeof identitySchema>> {
  const json = await readJsonFile(join(root, "store.json"), identitySchema);
  if (json?.kind === "valid") return json.value;
  throw storeRefused(root, json?.problem ?? "store.json is missing");
}

async function bumpGeneration(root: string): Promise<void> {
  const before = await readIdentity(root);
  const after = { ...before, generation: before.generation + 1 };
  await replaceFile(join(root, "store.json"), JSON.stringify(after));
}

function storeRefused(root: string, reason: string): Failure {
  return new Failure({
    code: "StoreRefused",
    category: "environment",
    message: `${root} is not a usable layer store: ${reason}`,
    hint: "choose another folder, or delete this one to start with an empty store",
  });
}
