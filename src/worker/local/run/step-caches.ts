import type { CacheMount } from "../../../model/step-operation.ts";
import { packTree, unpackTree } from "../guest/guest-trees.ts";
import type { CacheStore, OpenCache } from "./cache-store.ts";
import { type MountContentContext, writeMountContent } from "./mount-content.ts";

export interface StepCachesContext extends MountContentContext {
  readonly host: { readonly caches: CacheStore };
  /** Told of a cache that is waited for. */
  readonly onNote: (message: string) => void;
}

interface CacheInUse {
  readonly cache: OpenCache;
  readonly path: string;
  readonly isReadOnly: boolean;
}

/** The caches that a step mounts, unpacked in its guest; nobody else has them until this is disposed. */
export class StepCaches implements AsyncDisposable {
  readonly #context: StepCachesContext;
  /** Gives a path of the guest that is free. */
  readonly #nextPlace: () => string;
  /** By id. */
  readonly #inUse = new Map<string, CacheInUse>();

  constructor(context: StepCachesContext, nextPlace: () => string) {
    this.#context = context;
    this.#nextPlace = nextPlace;
  }

  /** Each once, however often it is mounted, and in the order of their ids, so that no two steps wait for one another. */
  async open(mounts: readonly CacheMount[]): Promise<void> {
    const byId = [...Map.groupBy(mounts, ({ id }) => id)].sort(([left], [right]) => (left < right ? -1 : 1));
    for (const [, [first, ...others]] of byId) {
      if (first === undefined) continue;
      await this.#open(
        first,
        [first, ...others].every(({ readOnly }) => readOnly),
      );
    }
  }

  async #open(mount: CacheMount, isReadOnly: boolean): Promise<void> {
    const { host, vm, signal, onNote } = this.#context;
    const { id, mode, userId, groupId, seed } = mount;
    const cache = await host.caches.open(mount, {
      signal,
      onWait: () => onNote(`the cache ${id} is in use: waiting for it`),
    });
    const path = this.#nextPlace();
    this.#inUse.set(id, { cache, path, isReadOnly });
    await vm.files.makeDirectory(path, 0o755);
    const content = await cache.read();
    if (content !== undefined && (await unpackTree(vm, path, content))) return;
    if (content !== undefined) {
      await cache.forget();
      await vm.files.removeDirectory(path, { recursive: true });
      await vm.files.makeDirectory(path, 0o755);
    }
    if (seed !== null) await writeMountContent(seed, path, this.#context);
    await vm.files.setAttributes(path, { mode, userId, groupId });
  }

  /** Where the cache's content is in the guest. */
  pathOf(id: string): string {
    const cache = this.#inUse.get(id);
    if (cache === undefined) throw new Error(`internal error: the cache ${id} is not open`);
    return cache.path;
  }

  /** Keeps what the step left in them. */
  async save(): Promise<void> {
    for (const { cache, path, isReadOnly } of this.#inUse.values()) {
      if (!isReadOnly) await cache.write(packTree(this.#context.vm, path));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { cache } of this.#inUse.values()) await cache.close();
    this.#inUse.clear();
  }
}
