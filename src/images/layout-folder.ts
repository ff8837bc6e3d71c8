import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { systemErrorCode } from "../diagnostics/failure.ts";
import { isMissing } from "../model/present-files.ts";
import type { ContentStore } from "./content-store.ts";
import { imageCorrupt, imageUnreadable, isSystemError, stopIfAborted } from "./image-failures.ts";
import type { ImageFiles } from "./image-files.ts";
import { maximumLayerBytes } from "./manifest.ts";
import type { StagedBlob } from "./staged-blob.ts";

/** The files of an OCI layout folder. Links are not followed: a layout has none. */
export class LayoutFolder implements ImageFiles, AsyncDisposable {
  readonly #folder: string;
  readonly #store: ContentStore;
  readonly #signal: AbortSignal | undefined;
  readonly #staged: StagedBlob[] = [];

  constructor(folder: string, store: ContentStore, signal: AbortSignal | undefined) {
    this.#folder = folder;
    this.#store = store;
    this.#signal = signal;
  }

  async read(path: string, maximumBytes: number): Promise<Uint8Array | undefined> {
    const handle = await this.#open(path, maximumBytes);
    if (handle === undefined) return undefined;
    try {
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  }

  async stage(path: string): Promise<StagedBlob | undefined> {
    const handle = await this.#open(path, maximumLayerBytes);
    if (handle === undefined) return undefined;
    try {
      const staged = await this.#store.stage();
      this.#staged.push(staged);
      for await (const chunk of handle.createReadStream({ highWaterMark: 1 << 20, autoClose: false })) {
        stopIfAborted(this.#signal);
        await staged.write(chunk);
      }
      await staged.seal();
      return staged;
    } finally {
      await handle.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const staged of this.#staged) await staged[Symbol.asyncDispose]();
  }

  async #open(path: string, maximumBytes: number): Promise<FileHandle | undefined> {
    let handle: FileHandle;
    try {
      // Non-blocking, so that a named pipe in the folder cannot make this wait for ever.
      handle = await open(
        join(this.#folder, path),
        constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
      );
    } catch (error) {
      const code = systemErrorCode(error);
      if (isMissing(error)) return undefined;
      if (code === "ELOOP") throw imageCorrupt(this.#folder, `${path} is a symbolic link`);
      throw isSystemError(error) ? imageUnreadable(this.#folder, error.message, error) : error;
    }
    const found = await handle.stat();
    const problem = !found.isFile() ? "is no file" : found.size > maximumBytes ? "is too large" : null;
    if (problem === null) return handle;
    await handle.close();
    throw imageCorrupt(this.#folder, `${path} ${problem}`);
  }
}
