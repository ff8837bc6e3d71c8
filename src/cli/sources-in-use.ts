import { randomBytes } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { namesInClientFolder } from "../bake/client-folder.ts";
import { systemErrorCode } from "../diagnostics/failure.ts";
import { isAlive, ownIdentity } from "../layers/process-identity.ts";

/**
 * Commands that take fetched repositories and downloads say so while they last, as files
 * `<process>.<since>.<random>`: `lightbox prune` leaves alone what they may have taken.
 */
export async function useSources(homeDirectory: string, nowMs: number): Promise<AsyncDisposable> {
  const folder = folderOf(homeDirectory);
  const name = `${await ownIdentity()}.${Math.floor(nowMs)}.${randomBytes(6).toString("hex")}`;
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, name), "");
  } catch (error) {
    // EACCES, EROFS, ENOSPC and the like: who needs to write says so; what cannot be written is not pruned either.
    if (systemErrorCode(error) === undefined) throw error;
  }
  return { [Symbol.asyncDispose]: () => rm(join(folder, name), { force: true }) };
}

/** When the oldest of them began that goes on; null: there is none. Forgets those of processes that are gone. */
export async function sourcesInUseSince(homeDirectory: string): Promise<number | null> {
  const folder = folderOf(homeDirectory);
  let since: number | null = null;
  for (const name of await namesInClientFolder(folder)) {
    const [identity = "", start = ""] = name.split(".");
    const startMs = Number(start);
    // One that this version cannot judge is taken to go on, and to have begun before all.
    if ((await isAlive(identity)) === false) await rm(join(folder, name), { force: true });
    else since = Math.min(since ?? Infinity, Number.isFinite(startMs) ? startMs : 0);
  }
  return since;
}

function folderOf(homeDirectory: string): string {
  return join(homeDirectory, "sources-in-use");
}
