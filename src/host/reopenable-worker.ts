import type { Worker } from "../worker/worker.ts";

/** The worker of one command: opened when it is first needed, and opened again when it is lost. */
export class ReopenableWorker implements AsyncDisposable {
  readonly #open: () => Promise<Worker>;
  #opened: Promise<Worker> | undefined;

  constructor(open: () => Promise<Worker>) {
    this.#open = open;
  }

  get(): Promise<Worker> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  async reopen(): Promise<Worker> {
    await this[Symbol.asyncDispose]();
    this.#opened = this.#open();
    return await this.#opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A worker that could not be opened has told so already, and has nothing to close.
    const worker = await this.#opened?.catch(() => undefined);
    this.#opened = undefined;
    await worker?.[Symbol.asyncDispose]();
  }
}
