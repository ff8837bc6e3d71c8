import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** Where lightbox keeps things on this computer. */
export interface Home {
  /** `LIGHTBOX_HOME`, else `~/.lightbox`. */
  readonly directory: string;
  /** Layers, snapshots and sandboxes of the local worker. */
  readonly store: string;
  /** Base images as fetched, and what tags were resolved to. */
  readonly images: string;
  readonly machine: string;
}

export function findHome(environment: NodeJS.ProcessEnv): Home {
  const named = environment.LIGHTBOX_HOME;
  const directory = named ? resolve(named) : join(homedir(), ".lightbox");
  return {
    directory,
    store: join(directory, "store"),
    images: join(directory, "images"),
    machine: join(directory, "machine"),
  };
}
