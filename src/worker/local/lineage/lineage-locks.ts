import type { LayerStore } from "../../../layers/layer-store.ts";
import type { Release } from "../../../layers/lock.ts";
import type { LayerKey } from "../../../model/identifiers.ts";

/**
 * Locks of steps, one per key, so that two bakes of the same steps build each once. They are taken from the
 * first step on and given back only when the next one is taken: whoever waits for a step then finds its
 * layer and goes on behind the bake that made it. Keys hold their ancestors, so every bake takes the locks of
 * shared steps in the same order and none can wait for another in a circle.
 */
export class LineageLocks implements AsyncDisposable {
  readonly #store: LayerStore;
  readonly #held: Release[] = [];

  constructor(store: LayerStore) {
    this.#store = store;
  }

  async take(key: LayerKey, signal: AbortSignal, onWait: () => void): Promise<void> {
    this.#held.push(await this.#store.lock(key, { signal, onWait }));
  }

  /** Lets go of all but the newest. */
  async releaseEarlier(): Promise<void> {
    await this.#release(this.#held.length - 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#release(this.#held.length);
  }

  async #release(count: number): Promise<void> {
    for (const release of this.#held.splice(0, Math.max(0, count))) await release();
  }
}
