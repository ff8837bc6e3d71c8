/** Bytes that a sender may still send; grows again as the receiver uses what it got. */
export class SendWindow {
  #available: number;
  #closed: Error | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(sizeBytes: number) {
    this.#available = sizeBytes;
  }

  /** Waits until there is room. @throws the error that the window was closed with */
  async take(sizeBytes: number): Promise<void> {
    for (;;) {
      if (this.#closed !== undefined) throw this.#closed;
      if (this.#available > 0) break;
      await this.#changed.promise;
    }
    this.#available -= sizeBytes;
  }

  grant(sizeBytes: number): void {
    this.#available += sizeBytes;
    this.#wake();
  }

  close(error: Error): void {
    this.#closed ??= error;
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/**
 * Values pushed by a connection and pulled by one reader. What bounds it is the sender's window; `onTaken` tells
 * when a value has left the queue.
 */
export class Inbox<Value> implements AsyncIterable<Value> {
  readonly #onTaken: (value: Value) => void;
  readonly #values: Value[] = [];
  #end: { readonly error: Error | null } | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(onTaken: (value: Value) => void = () => {}) {
    this.#onTaken = onTaken;
  }

  push(value: Value): void {
    if (this.#end !== undefined) return;
    this.#values.push(value);
    this.#wake();
  }

  /** After what was pushed, iteration ends, or throws the error. */
  end(error: Error | null = null): void {
    this.#end ??= { error };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Value, void, void> {
    for (;;) {
      const value = this.#values.shift();
      if (value !== undefined) {
        this.#onTaken(value);
        yield value;
      } else if (this.#end === undefined) {
        await this.#changed.promise;
      } else if (this.#end.error === null) {
        return;
      } else {
        throw this.#end.error;
      }
    }
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
