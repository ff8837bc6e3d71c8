import { randomBytes } from "node:crypto";
import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import type { LayerKey } from "../model/identifiers.ts";
import { isMissing } from "../model/present-files.ts";
import type { ProcessLocks } from "./lock.ts";
import { ownIdentity } from "./process-identity.ts";

/** Where things are in a store, and who is told what; shared by the parts of one open store. */
export class StoreContext {
  readonly root: string;
  readonly locks: ProcessLocks;
  readonly onDamage: (problem: string) => void;
  readonly checkpoint: (point: string) => void;

  constructor(fields: Pick<StoreContext, "root" | "locks" | "onDamage" | "checkpoint">) {
    this.root = fields.root;
    this.locks = fields.locks;
    this.onDamage = fields.onDamage;
    this.checkpoint = fields.checkpoint;
  }

  folder(name: StoreFolder): string {
    return join(this.root, name);
  }

  layerFolder(key: LayerKey): string {
    return join(this.root, "layers", key);
  }

  blankFolder(sizeMib: number): string {
    return join(this.root, `blank-${sizeMib}`);
  }

  /** A name in `tmp/` that says whose it is; for whatever is deleted once this process is gone. */
  async temporaryPath(): Promise<string> {
    return join(this.folder("tmp"), `${await ownIdentity()}.${randomBytes(8).toString("hex")}`);
  }

  async makeTemporaryFolder(): Promise<string> {
    const path = await this.temporaryPath();
    await mkdir(path);
    return path;
  }

  /** Moves a folder that is in the way, or to be deleted, to `tmp/`; undefined when there is none. */
  async moveAside(folder: string): Promise<string | undefined> {
    const aside = await this.temporaryPath();
    try {
      await rename(folder, aside);
      return aside;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /**
   * Short store-wide exclusion: between deciding that nobody needs a layer and moving it away, nobody may
   * start to need it. Never held while data is copied.
   */
  async insideGate<Value>(work: () => Promise<Value>): Promise<Value> {
    const release = await this.locks.acquire("gate");
    try {
      return await work();
    } finally {
      await release();
    }
  }
}

export const storeFolders = ["layers", "debug", "snapshots", "volumes", "holds", "locks", "tmp"] as const;
export type StoreFolder = (typeof storeFolders)[number];

export const diskFileName = "disk.qcow2";
export const layerFileName = "layer.json";
export const debugFileName = "debug.json";
export const logFileName = "log.txt";
