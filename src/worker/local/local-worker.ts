import { mkdir } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { throwIfCancelled } from "../../layers/cancellation.ts";
import type { LayerStore } from "../../layers/layer-store.ts";
import { openLayerStore } from "../../layers/open-layer-store.ts";
import type { BaseImage } from "../../model/base-image.ts";
import type { LayerKey, Sha256Digest } from "../../model/identifiers.ts";
import type * as contract from "../worker.ts";
import { workerProtocol } from "../worker.ts";
import { removeLeftovers } from "./leftovers.ts";
import { layerSummary } from "./lineage/layer-summary.ts";
import { runLineage } from "./lineage/run-lineage.ts";
import { SealCost } from "./lineage/seal-cost.ts";
import { copiedBytesPerMs, mostGuestCpus } from "./microvm/emulated-host.ts";
import { findImages, importImage, requireImage } from "./microvm/images.ts";
import { loadMicrosandbox, type Microsandbox } from "./microvm/microsandbox.ts";
import { withRuntimeDatabase } from "./microvm/runtime-database.ts";
import { CacheStore } from "./run/cache-store.ts";
import { execInSandbox } from "./sandboxes/sandbox-exec.ts";
import { SandboxRecords } from "./sandboxes/sandbox-record.ts";
import {
  launchSandbox,
  listSandboxes,
  removeSandbox,
  reserveForBuilder,
  type SandboxHost,
  stopSandbox,
} from "./sandboxes/sandboxes.ts";
import { inspectSnapshot, listSnapshots, publishSnapshot } from "./snapshots.ts";
import { ensureVolume, holdVolumes, removeVolume } from "./volumes.ts";

const bytesPerMib = 1024 ** 2;
/** Of a sandbox whose request names none. */
const defaultSandboxMemoryMib = 512;

export interface LocalWorkerOptions {
  /** Made if it is not there. */
  readonly storeDirectory: string;
  /** Where microsandbox keeps its images; its own default when absent. A setting of the whole process. */
  readonly microsandboxHome?: string;
  /** Of lightbox. */
  readonly version: string;
  /** Told when this process can start no microVM any more and has to be started anew. */
  readonly onStuck?: () => void;
}

/**
 * A worker on this very host. The microVM runtime is not loaded before a call needs it.
 * @throws Failure of `openLayerStore`
 */
export async function openLocalWorker(options: LocalWorkerOptions): Promise<contract.Worker> {
  const store = await openLayerStore(options.storeDirectory);
  return new LocalWorker(options, store, new SandboxRecords(store.root, store.storeId));
}

class LocalWorker implements contract.Worker {
  readonly #options: LocalWorkerOptions;
  readonly #store: LayerStore;
  readonly #records: SandboxRecords;
  #started: Promise<SandboxHost> | undefined;

  constructor(options: LocalWorkerOptions, store: LayerStore, records: SandboxRecords) {
    this.#options = options;
    this.#store = store;
    this.#records = records;
  }

  async describe(signal: AbortSignal): Promise<contract.WorkerDescription> {
    throwIfCancelled(signal);
    return {
      storeId: this.#store.storeId,
      generation: await this.#store.generation(),
      version: this.#options.version,
      protocol: workerProtocol,
      platform: `linux/${process.arch === "x64" ? "amd64" : process.arch}`,
      cpus: availableParallelism(),
      memoryMib: Math.floor(totalmem() / bytesPerMib),
    };
  }

  async findImages(
    digests: readonly Sha256Digest[],
    signal: AbortSignal,
  ): Promise<ReadonlySet<Sha256Digest>> {
    throwIfCancelled(signal);
    return findImages((await this.#host()).microsandbox, digests);
  }

  async importImage(image: BaseImage, layout: Readable, signal: AbortSignal): Promise<void> {
    const { microsandbox } = await this.#host();
    const temporaryDirectory = join(this.#store.root, "tmp");
    await this.#withDatabase(() => importImage(image, layout, { microsandbox, temporaryDirectory, signal }));
  }

  async findLayers(
    keys: readonly LayerKey[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<LayerKey, contract.LayerSummary>> {
    throwIfCancelled(signal);
    const found = await this.#store.find(keys);
    return new Map([...found].map(([key, layer]) => [key, layerSummary(layer)]));
  }

  async runLineage(
    request: contract.LineageRequest,
    client: contract.LineageClient,
    signal: AbortSignal,
  ): Promise<contract.LineageOutcome> {
    throwIfCancelled(signal);
    const host = await this.#host();
    const { microsandbox } = host;
    const cpus = Math.min(request.resources.cpus, await mostGuestCpus());
    const lineageHost = {
      microsandbox,
      store: this.#store,
      sealCost: await SealCost.read(this.#store.root),
      copiedBytesPerMs: await copiedBytesPerMs(),
      imageReference: (digest: string) => requireImage(microsandbox, digest),
      caches: new CacheStore(this.#store),
      holdVolumes: (names: readonly string[]) => holdVolumes(this.#store, names),
      reserveSandbox: (name: string) => reserveForBuilder(host, name),
    };
    const bounded = { ...request, resources: { ...request.resources, cpus } };
    return this.#withDatabase(() => runLineage(lineageHost, bounded, client, signal));
  }

  #withDatabase<Result>(work: () => Promise<Result>): Promise<Result> {
    return withRuntimeDatabase(work, () => this.#options.onStuck?.());
  }

  async publishSnapshot(
    request: contract.PublishRequest,
    signal: AbortSignal,
  ): Promise<contract.SnapshotDescription> {
    throwIfCancelled(signal);
    return publishSnapshot(this.#store, request);
  }

  async listSnapshots(signal: AbortSignal): Promise<readonly contract.SnapshotDescription[]> {
    throwIfCancelled(signal);
    return listSnapshots(this.#store);
  }

  async inspectSnapshot(name: string, signal: AbortSignal): Promise<contract.SnapshotInspection> {
    throwIfCancelled(signal);
    return inspectSnapshot(this.#store, name);
  }

  async removeSnapshot(name: string, signal: AbortSignal): Promise<void> {
    throwIfCancelled(signal);
    await this.#store.removeSnapshot(name);
  }

  async readLog(key: LayerKey, signal: AbortSignal): Promise<string | undefined> {
    throwIfCancelled(signal);
    return this.#store.readLog(key);
  }

  async findDebugLayer(
    keys: readonly LayerKey[],
    signal: AbortSignal,
  ): Promise<contract.DebugLayer | undefined> {
    throwIfCancelled(signal);
    const wanted = new Set(keys);
    const newest = (await this.#store.listDebug()).find(({ key }) => wanted.has(key));
    if (newest === undefined) return undefined;
    return { layer: newest.key, failedStep: newest.title, createdAt: newest.createdAt };
  }

  async prune(request: contract.PruneRequest, signal: AbortSignal): Promise<contract.PruneReport> {
    throwIfCancelled(signal);
    const { removed, freedBytes, keptBytes } = await this.#store.prune(request);
    const layers = removed.map(({ key, title, sizeBytes }) => ({ key, title, sizeBytes }));
    const caches = await new CacheStore(this.#store).prune(request, keptBytes);
    const freedByCaches = caches.removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    return {
      layers,
      caches: caches.removed,
      freedBytes: freedBytes + freedByCaches,
      keptBytes: keptBytes + caches.keptBytes,
    };
  }

  async listVolumes(signal: AbortSignal): Promise<readonly contract.VolumeDescription[]> {
    throwIfCancelled(signal);
    return this.#store.volumes.list();
  }

  async ensureVolume(
    request: contract.VolumeRequest,
    signal: AbortSignal,
  ): Promise<contract.VolumeDescription> {
    throwIfCancelled(signal);
    return ensureVolume(this.#store, request);
  }

  async removeVolume(name: string, signal: AbortSignal): Promise<void> {
    throwIfCancelled(signal);
    await removeVolume(this.#store, name, () => this.listSandboxes(signal));
  }

  async launchSandbox(
    request: contract.LaunchRequest,
    signal: AbortSignal,
  ): Promise<contract.SandboxDescription> {
    const mostCpus = await mostGuestCpus();
    const { cpus } = request.resources;
    const resources =
      cpus === undefined ? request.resources : { ...request.resources, cpus: Math.min(cpus, mostCpus) };
    const host = await this.#host();
    return this.#withDatabase(() => launchSandbox(host, { ...request, resources }, signal));
  }

  async execInSandbox(
    request: contract.ExecRequest,
    streams: contract.ExecStreams,
    signal: AbortSignal,
  ): Promise<contract.ExecExit> {
    return execInSandbox(await this.#host(), request, streams, signal);
  }

  async listSandboxes(signal: AbortSignal): Promise<readonly contract.SandboxDescription[]> {
    throwIfCancelled(signal);
    // Without a sandbox there is no reason to load the runtime.
    if ((await this.#records.folders()).length === 0) return [];
    return listSandboxes(await this.#host());
  }

  async stopSandbox(name: string, signal: AbortSignal): Promise<void> {
    throwIfCancelled(signal);
    await stopSandbox(await this.#host(), name);
  }

  async removeSandbox(
    name: string,
    options: { readonly force: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    throwIfCancelled(signal);
    await removeSandbox(await this.#host(), name, options.force);
  }

  /** Sandboxes run on; lineages under way are the callers' to abort. */
  async [Symbol.asyncDispose](): Promise<void> {}

  #host(): Promise<SandboxHost> {
    this.#started ??= this.#start().catch((error: unknown) => {
      this.#started = undefined;
      throw error;
    });
    return this.#started;
  }

  async #start(): Promise<SandboxHost> {
    const { microsandboxHome } = this.#options;
    if (microsandboxHome !== undefined) await mkdir(microsandboxHome, { recursive: true });
    const microsandbox: Microsandbox = await loadMicrosandbox(microsandboxHome);
    await removeLeftovers(microsandbox, this.#records);
    await this.#store.sweepLeftovers();
    return {
      microsandbox,
      store: this.#store,
      records: this.#records,
      defaultResources: { cpus: Math.min(2, await mostGuestCpus()), memoryMib: defaultSandboxMemoryMib },
    };
  }
}
