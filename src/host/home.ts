import { statSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";

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

/**
 * Looked at before a command begins, so that not the first file below it is blamed.
 * @throws Failure `HomeNotFolder`
 */
export function requireHomeFolder({ directory }: Home): void {
  try {
    if (statSync(directory).isDirectory()) return;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    // It is made when it is needed; other trouble is told by whoever meets it.
    if (code !== "ENOTDIR") return;
  }
  throw new Failure({
    code: "HomeNotFolder",
    category: "usage",
    message: `lightbox keeps its files in ${directory}, and that is not a folder`,
    hint: "set LIGHTBOX_HOME to a folder, or unset it for ~/.lightbox",
  });
}
