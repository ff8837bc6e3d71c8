import { chmod, mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import { didYouMean } from "../diagnostics/suggest.ts";
import { isMissing, namesIn } from "../model/present-files.ts";
import {
  allocatedBytes,
  readJsonFile,
  removeTree,
  replaceFile,
  syncDirectory,
  withStorageFailures,
} from "./durable-file.ts";
import { addHold, readHolds } from "./holds.ts";
import type { HeldVolumes, Holder, HoldOwner, StoredVolume, VolumeStore } from "./layer-store.ts";
import type { Release } from "./lock.ts";
import type { StoreContext } from "./store-context.ts";

/** No volume's name begins with a dot. */
const recordsFolderName = ".records";
const recordVersion = 1;

/** `volumes/.records/<name>.json`. A record whose volume is not there means nothing. */
const recordSchema = v.object({
  version: v.literal(recordVersion),
  name: v.string(),
  createdAt: v.string(),
  labels: v.record(v.string(), v.string()),
});

type VolumeRecord = v.InferOutput<typeof recordSchema>;

export function volumeRecordsFolder(store: StoreContext): string {
  return join(store.folder("volumes"), recordsFolderName);
}

/**
 * The folders in `volumes/`, each a volume. Who is about to mount one holds it first; what makes, holds and removes volumes
 * is done inside the gate, so that none goes between somebody's looking for it and mounting it.
 */
export class VolumeShelf implements VolumeStore {
  readonly #store: StoreContext;

  constructor(store: StoreContext) {
    this.#store = store;
  }

  async list(): Promise<readonly StoredVolume[]> {
    const found = await Promise.all((await this.#names()).map((name) => this.#read(name)));
    return found.filter((volume) => volume !== undefined);
  }

  async ensure(name: string, labels: Readonly<Record<string, string>>): Promise<StoredVolume> {
    await this.#insideGate(() => this.#make(name, labels));
    // Outside of the gate, because this measures. Somebody may have removed it meanwhile.
    return (await this.#read(name)) ?? (await this.ensure(name, labels));
  }

  async hold(names: readonly string[], owner: HoldOwner): Promise<HeldVolumes> {
    if (names.length === 0) return { folders: new Map(), release: async () => undefined };
    return this.#insideGate(async () => {
      const releases: Release[] = [];
      const release = async () => {
        for (const one of releases) await one();
      };
      try {
        for (const name of names) {
          await this.#make(name, {});
          releases.push(await addHold(this.#store, { kind: "volume", name }, owner));
        }
      } catch (error) {
        await release();
        throw error;
      }
      return { folders: new Map(names.map((name) => [name, this.#folder(name)])), release };
    });
  }

  async remove(name: string): Promise<readonly Holder[]> {
    const removed = await this.#insideGate(async () => {
      if (!(await isFolder(this.#folder(name)))) throw await this.#unknown(name);
      const { volumes } = await readHolds(this.#store);
      const holders = volumes.filter((hold) => hold.name === name).map(({ holder }) => holder);
      if (holders.length > 0) return { holders };
      // In one go: nobody sees a part of it.
      const aside = await this.#moveAside(this.#folder(name));
      this.#store.checkpoint("volume: moved");
      await rm(this.#recordPath(name), { force: true });
      await syncDirectory(this.#store.folder("volumes"));
      return { holders, aside };
    });
    if (removed.aside !== undefined) {
      const { aside } = removed;
      await withStorageFailures(this.#store.root, () => removeTree(aside));
    }
    return removed.holders;
  }

  /** Call inside the gate. */
  async #make(name: string, labels: Readonly<Record<string, string>>): Promise<void> {
    if (await isFolder(this.#folder(name))) return;
    const record: VolumeRecord = {
      version: recordVersion,
      name,
      createdAt: new Date().toISOString(),
      labels,
    };
    await mkdir(volumeRecordsFolder(this.#store), { recursive: true });
    // The record first: a volume is never there without its labels, and in place of what an earlier one may have left.
    await replaceFile(this.#recordPath(name), JSON.stringify(record));
    this.#store.checkpoint("volume: recorded");
    await mkdir(this.#folder(name), { recursive: true });
    await syncDirectory(this.#store.folder("volumes"));
    this.#store.checkpoint("volume: made");
  }

  async #moveAside(folder: string): Promise<string | undefined> {
    try {
      return await this.#store.moveAside(folder);
    } catch (error) {
      if (systemErrorCode(error) !== "EACCES") throw error;
      // A folder that a guest has closed to its owner cannot be moved.
      await chmod(folder, 0o700);
      return this.#store.moveAside(folder);
    }
  }

  async #names(): Promise<readonly string[]> {
    return (await namesIn(this.#store.folder("volumes"))).filter((name) => !name.startsWith("."));
  }

  /** Undefined: it is not there. */
  async #read(name: string): Promise<StoredVolume | undefined> {
    const folder = this.#folder(name);
    const createdMs = await folderMadeMs(folder);
    if (createdMs === undefined) return undefined;
    const json = await readJsonFile(this.#recordPath(name), recordSchema);
    if (json?.kind === "damaged") this.#store.onDamage(json.problem);
    const record = json?.kind === "valid" ? json.value : undefined;
    return {
      name,
      createdAt: record?.createdAt ?? new Date(createdMs).toISOString(),
      sizeBytes: await allocatedBytes(folder),
      labels: record?.labels ?? {},
    };
  }

  async #unknown(name: string): Promise<Failure> {
    const names = await this.#names();
    return new Failure({
      code: "UnknownVolume",
      category: "usage",
      message: `there is no volume ${JSON.stringify(name)}`,
      hint: didYouMean(name, names) ?? "`lightbox volumes` lists them",
    });
  }

  #folder(name: string): string {
    return join(this.#store.folder("volumes"), name);
  }

  #recordPath(name: string): string {
    return join(volumeRecordsFolder(this.#store), `${name}.json`);
  }

  #insideGate<Value>(work: () => Promise<Value>): Promise<Value> {
    return withStorageFailures(this.#store.root, () => this.#store.insideGate(work));
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await folderMadeMs(path)) !== undefined;
}

/** Undefined where there is no folder. */
async function folderMadeMs(path: string): Promise<number | undefined> {
  try {
    const entry = await stat(path);
    if (!entry.isDirectory()) return undefined;
    // Some filesystems do not know when it was made.
    return entry.birthtimeMs > 0 ? entry.birthtimeMs : entry.mtimeMs;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
