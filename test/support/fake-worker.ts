import type { Readable } from "node:stream";
import type { BaseImage } from "../../src/model/base-image.ts";
import type { ContentDigest, LayerKey, Sha256Digest } from "../../src/model/identifiers.ts";
import { emptyConfiguration } from "../../src/model/sandbox-configuration.ts";
import type {
  DebugLayer,
  ExecExit,
  ExecRequest,
  ExecStreams,
  LaunchRequest,
  LayerSummary,
  LineageClient,
  LineageOutcome,
  LineageRequest,
  PruneReport,
  PruneRequest,
  PublishRequest,
  SandboxDescription,
  SnapshotDescription,
  SnapshotInspection,
  VolumeDescription,
  VolumeRequest,
  Worker,
  WorkerDescription,
} from "../../src/worker/worker.ts";
import { workerProtocol } from "../../src/worker/worker.ts";
import { cancelled } from "./fake-worker-abort.ts";
import { type AgentAnswer, FakeLineageRun, type SecretRead } from "./fake-worker-lineage.ts";
import { FakeSandboxes } from "./fake-worker-sandboxes.ts";
import { describeSnapshot, FakeWorkerStore } from "./fake-worker-store.ts";
import { type StepHold, type StepScript, StepScripts } from "./step-scripts.ts";

export interface FakeWorkerOptions {
  readonly description?: Partial<WorkerDescription>;
  /** Images that are there from the start. */
  readonly images?: Iterable<Sha256Digest>;
  readonly scripts?: Readonly<Record<string, StepScript>>;
}

/** How a lineage ended: with an outcome, or (aborted or in trouble) by throwing. */
export type LineageEnd =
  | { readonly kind: "resolved"; readonly outcome: LineageOutcome }
  | { readonly kind: "threw"; readonly error: unknown };

export interface LineageRecord {
  readonly request: LineageRequest;
  readonly ended: Promise<LineageEnd>;
}

/**
 * A whole worker in memory, for tests of what stands on the Worker interface. Tests steer its steps by title
 * ({@link script}, {@link hold}, {@link started}) and look at what it did ({@link counts}, {@link stepsRun},
 * {@link lineages}, {@link store}).
 */
export class FakeWorker implements Worker {
  readonly store = new FakeWorkerStore();
  readonly sandboxes = new FakeSandboxes(this.store);
  readonly counts = { vmsBooted: 0, imagesImported: 0, findLayersCalls: 0, sandboxesLaunched: 0 };
  /** Titles of the steps that ran, in the order in which they started. */
  readonly stepsRun: string[] = [];
  readonly lineages: LineageRecord[] = [];
  readonly secretsRead: SecretRead[] = [];
  readonly agentAnswers: AgentAnswer[] = [];
  /** What steps read through `openContent`. */
  readonly contents = new Map<ContentDigest, Buffer>();
  /** Bytes of every imported layout. */
  readonly layouts = new Map<Sha256Digest, Buffer>();
  isDisposed = false;
  readonly #scripts = new StepScripts();
  readonly #description: Partial<WorkerDescription>;

  constructor(options: FakeWorkerOptions = {}) {
    this.#description = options.description ?? {};
    for (const image of options.images ?? []) this.store.images.set(image, null);
    for (const [title, script] of Object.entries(options.scripts ?? {})) this.script(title, script);
  }

  /** Says what every step of the title does from now on. */
  script(title: string, script: StepScript): void {
    this.#scripts.set(title, script);
  }

  /** Makes steps of the title stop, after their output, until released. */
  hold(title: string): StepHold {
    return this.#scripts.hold(title);
  }

  /** Resolves when a step of the title has started, now or before. */
  started(title: string): Promise<void> {
    return this.#scripts.started(title);
  }

  async describe(signal: AbortSignal): Promise<WorkerDescription> {
    cancelled.check(signal);
    return {
      storeId: "fake-store",
      generation: this.store.generation,
      version: "0.0.0-fake",
      protocol: workerProtocol,
      platform: "linux/amd64",
      cpus: 2,
      memoryMib: 4096,
      ...this.#description,
    };
  }

  async findImages(
    digests: readonly Sha256Digest[],
    signal: AbortSignal,
  ): Promise<ReadonlySet<Sha256Digest>> {
    cancelled.check(signal);
    return new Set(digests.filter((digest) => this.store.images.has(digest)));
  }

  async importImage(image: BaseImage, layout: Readable, signal: AbortSignal): Promise<void> {
    cancelled.check(signal);
    const chunks: Buffer[] = [];
    for await (const chunk of layout) {
      chunks.push(Buffer.from(chunk));
      cancelled.check(signal);
    }
    this.layouts.set(image.digest, Buffer.concat(chunks));
    this.store.images.set(image.digest, image);
    this.counts.imagesImported += 1;
  }

  async findLayers(
    keys: readonly LayerKey[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<LayerKey, LayerSummary>> {
    cancelled.check(signal);
    this.counts.findLayersCalls += 1;
    const found = new Map<LayerKey, LayerSummary>();
    for (const key of keys) {
      const layer = this.store.layers.get(key);
      if (layer !== undefined) found.set(key, layer.summary);
    }
    return found;
  }

  async runLineage(
    request: LineageRequest,
    client: LineageClient,
    signal: AbortSignal,
  ): Promise<LineageOutcome> {
    const ended = Promise.withResolvers<LineageEnd>();
    this.lineages.push({ request, ended: ended.promise });
    const run = new FakeLineageRun(this.#lineageRig(), request, client, signal);
    try {
      const outcome = await run.run();
      ended.resolve({ kind: "resolved", outcome });
      return outcome;
    } catch (error) {
      ended.resolve({ kind: "threw", error });
      throw error;
    }
  }

  async publishSnapshot(request: PublishRequest, signal: AbortSignal): Promise<SnapshotDescription> {
    cancelled.check(signal);
    return this.store.publish(request);
  }

  async listSnapshots(signal: AbortSignal): Promise<readonly SnapshotDescription[]> {
    cancelled.check(signal);
    return [...this.store.snapshots.values()].map(describeSnapshot);
  }

  async inspectSnapshot(name: string, signal: AbortSignal): Promise<SnapshotInspection> {
    cancelled.check(signal);
    return this.store.snapshot(name);
  }

  async removeSnapshot(name: string, signal: AbortSignal): Promise<void> {
    cancelled.check(signal);
    this.store.removeSnapshot(name);
  }

  async readLog(key: LayerKey, signal: AbortSignal): Promise<string | undefined> {
    cancelled.check(signal);
    return this.store.logs.get(key);
  }

  async findDebugLayer(keys: readonly LayerKey[], signal: AbortSignal): Promise<DebugLayer | undefined> {
    cancelled.check(signal);
    const found = [...this.store.debugLayers.values()].findLast((layer) => keys.includes(layer.step));
    if (found === undefined) return undefined;
    return { layer: found.layer, failedStep: found.failedStep, createdAt: found.createdAt };
  }

  async prune(request: PruneRequest, signal: AbortSignal): Promise<PruneReport> {
    cancelled.check(signal);
    return this.store.prune(request);
  }

  async listVolumes(signal: AbortSignal): Promise<readonly VolumeDescription[]> {
    cancelled.check(signal);
    return [...this.store.volumes.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  async ensureVolume(request: VolumeRequest, signal: AbortSignal): Promise<VolumeDescription> {
    cancelled.check(signal);
    return this.store.ensureVolume(request);
  }

  async removeVolume(name: string, signal: AbortSignal): Promise<void> {
    cancelled.check(signal);
    this.sandboxes.removeVolume(name);
  }

  async launchSandbox(request: LaunchRequest, signal: AbortSignal): Promise<SandboxDescription> {
    cancelled.check(signal);
    const sandbox = this.sandboxes.launch(request);
    this.counts.sandboxesLaunched += 1;
    return sandbox;
  }

  execInSandbox(request: ExecRequest, streams: ExecStreams, signal: AbortSignal): Promise<ExecExit> {
    return this.sandboxes.exec(request, streams, signal);
  }

  async listSandboxes(signal: AbortSignal): Promise<readonly SandboxDescription[]> {
    cancelled.check(signal);
    return this.sandboxes.list();
  }

  async stopSandbox(name: string, signal: AbortSignal): Promise<void> {
    cancelled.check(signal);
    this.sandboxes.stop(name);
  }

  async removeSandbox(
    name: string,
    options: { readonly force: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    cancelled.check(signal);
    this.sandboxes.remove(name, options.force);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isDisposed = true;
  }

  #lineageRig() {
    return {
      store: this.store,
      scripts: this.#scripts,
      onBoot: () => {
        this.counts.vmsBooted += 1;
      },
      onStepRun: (title: string) => {
        this.stepsRun.push(title);
      },
      onContent: (digest: ContentDigest, content: Buffer) => {
        this.contents.set(digest, content);
      },
      onSecret: (read: SecretRead) => {
        this.secretsRead.push(read);
      },
      onAgent: (answer: AgentAnswer) => {
        this.agentAnswers.push(answer);
      },
      onKeptBuilder: (name: string) => {
        this.sandboxes.add({
          name,
          status: "running",
          snapshot: null,
          createdAt: new Date().toISOString(),
          ports: [],
          configuration: emptyConfiguration,
        });
      },
    };
  }
}
