import { randomBytes } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemErrorCode } from "../diagnostics/failure.ts";
import { isAlive, ownIdentity } from "../layers/process-identity.ts";
import { namesIn } from "../model/present-files.ts";

/**
 * Commands that take fetched repositories and downloads say so from before the first of them until their end, as files
 * `<process>.<since>.<random>`: `lightbox prune` leaves alone what they may have taken.
 */
export class SourcesInUse implements AsyncDisposable {
  readonly #folder: string;
  readonly #now: () => number;
  #note: Promise<string> | undefined;

  /** @param now milliseconds since 1970 */
  constructor(homeDirectory: string, now: () => number) {
    this.#folder = folderOf(homeDirectory);
    this.#now = now;
  }

  /** Resolves when others can see it; says it once, however often it is called. */
  async announce(): Promise<void> {
    this.#note ??= this.#write();
    await this.#note;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#note !== undefined) await rm(await this.#note, { force: true });
  }

  async #write(): Promise<string> {
    // Of the time before: what is taken from now on was used since.
    const sinceMs = Math.floor(this.#now());
    const name = `${await ownIdentity()}.${sinceMs}.${randomBytes(6).toString("hex")}`;
    const path = join(this.#folder, name);
    try {
      await mkdir(this.#folder, { recursive: true });
      await writeFile(path, "");
    } catch (error) {
      // EACCES, EROFS, ENOSPC and the like: who needs to write says so; what cannot be written is not pruned either.
      if (systemErrorCode(error) === undefined) throw error;
    }
    return path;
  }
}

/** When the oldest of them began that goes on; null: there is none. Forgets those of processes that are gone. */
export async function sourcesInUseSince(homeDirectory: string): Promise<number | null> {
  const folder = folderOf(homeDirectory);
  let since: number | null = null;
  for (const name of await namesIn(folder)) {
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
