import { Failure } from "../../src/diagnostics/failure.ts";
import { didYouMean } from "../../src/diagnostics/suggest.ts";
import type { BaseImage } from "../../src/model/base-image.ts";
import { type LayerKey, layerKey, type Sha256Digest } from "../../src/model/identifiers.ts";
import type {
  DebugLayer,
  LayerSummary,
  LineageStep,
  PruneReport,
  PruneRequest,
  PublishRequest,
  SnapshotDescription,
  SnapshotInspection,
  VolumeDescription,
  VolumeRequest,
} from "../../src/worker/worker.ts";
import { cancelled } from "./fake-worker-abort.ts";

export interface FakeLayer {
  readonly summary: LayerSummary;
  readonly parent: LayerKey | null;
  readonly title: string;
}

export interface SealedContent {
  readonly sizeBytes: number;
  /** What the steps in the layer printed for `ENV --from-output`. */
  readonly outputValues?: Readonly<Record<string, string>>;
}

/** The layers, images, snapshots and logs of a {@link FakeWorker}, in memory. */
export class FakeWorkerStore {
  readonly layers = new Map<LayerKey, FakeLayer>();
  readonly images = new Map<Sha256Digest, BaseImage | null>();
  readonly snapshots = new Map<string, SnapshotInspection>();
  readonly debugLayers = new Map<LayerKey, DebugLayer & { readonly step: LayerKey }>();
  readonly logs = new Map<LayerKey, string>();
  readonly volumes = new Map<string, VolumeDescription>();
  generation = 1;
  readonly #locks = new Map<LayerKey, PromiseWithResolvers<void>>();

  isLocked(key: LayerKey): boolean {
    return this.#locks.has(key);
  }

  async untilUnlocked(key: LayerKey, signal: AbortSignal): Promise<void> {
    await cancelled.unless(this.#locks.get(key)?.promise ?? Promise.resolve(), signal);
  }

  lock(key: LayerKey): void {
    this.#locks.set(key, Promise.withResolvers());
  }

  unlock(key: LayerKey): void {
    this.#locks.get(key)?.resolve();
    this.#locks.delete(key);
  }

  seal(
    step: LineageStep,
    parent: LayerKey | null,
    { sizeBytes, outputValues = {} }: SealedContent,
  ): LayerSummary {
    const below = parent === null ? {} : (this.layers.get(parent)?.summary.outputValues ?? {});
    const summary: LayerSummary = {
      key: step.key,
      record: step.record,
      outputValues: { ...below, ...outputValues },
      sizeBytes,
      sealedAt: new Date().toISOString(),
      durationMs: 1,
    };
    this.layers.set(step.key, { summary, parent, title: step.title });
    return summary;
  }

  keepDebugLayer(step: LineageStep): LayerKey {
    const layer = layerKey((this.debugLayers.size + 1).toString(16).padStart(32, "d"));
    const createdAt = new Date().toISOString();
    this.debugLayers.set(layer, { layer, failedStep: step.title, createdAt, step: step.key });
    return layer;
  }

  /** The layer and all below it. */
  chain(key: LayerKey | null): FakeLayer[] {
    const found: FakeLayer[] = [];
    for (let at = key; at !== null; ) {
      const layer = this.layers.get(at);
      if (layer === undefined) break;
      found.push(layer);
      at = layer.parent;
    }
    return found;
  }

  publish(request: PublishRequest): SnapshotDescription {
    if (request.layer !== null && !this.layers.has(request.layer)) {
      throw missing("UnknownLayer", `layer ${request.layer} is not in the store`);
    }
    const before = this.snapshots.get(request.name);
    if (before !== undefined) {
      const previous = `${request.name}@previous`;
      this.snapshots.set(previous, { ...before, name: previous });
    }
    const inspection: SnapshotInspection = {
      ...request,
      imageReference: request.image.reference,
      imageDigest: request.image.digest,
      createdAt: new Date().toISOString(),
      sizeBytes: this.chain(request.layer).reduce((sum, layer) => sum + layer.summary.sizeBytes, 0),
    };
    this.snapshots.set(request.name, inspection);
    return describeSnapshot(inspection);
  }

  snapshot(name: string): SnapshotInspection {
    const found = this.snapshots.get(name);
    if (found !== undefined) return found;
    const hint = didYouMean(name, this.snapshots.keys());
    throw new Failure({
      code: "UnknownSnapshot",
      category: "usage",
      message: `there is no snapshot named ${name}`,
      ...(hint === undefined ? {} : { hint }),
    });
  }

  removeSnapshot(name: string): void {
    this.snapshot(name);
    this.snapshots.delete(name);
    this.snapshots.delete(`${name}@previous`);
  }

  ensureVolume({ name, labels }: VolumeRequest): VolumeDescription {
    const volume = this.volumes.get(name) ?? {
      name,
      labels,
      createdAt: new Date().toISOString(),
      sizeBytes: 4096,
    };
    this.volumes.set(name, volume);
    return volume;
  }

  removeVolume(name: string): void {
    if (this.volumes.delete(name)) return;
    const hint = didYouMean(name, this.volumes.keys());
    throw new Failure({
      code: "UnknownVolume",
      category: "usage",
      message: `there is no volume ${name}`,
      ...(hint === undefined ? {} : { hint }),
    });
  }

  prune(request: PruneRequest): PruneReport {
    const needed = new Set<LayerKey>();
    for (const snapshot of this.snapshots.values()) {
      for (const layer of this.chain(snapshot.layer)) needed.add(layer.summary.key);
    }
    const all = [...this.layers.values()];
    const removed = all.filter((layer) => !needed.has(layer.summary.key));
    if (!request.dryRun && removed.length > 0) {
      for (const layer of removed) this.layers.delete(layer.summary.key);
      this.generation += 1;
    }
    const sum = (layers: readonly FakeLayer[]) =>
      layers.reduce((total, layer) => total + layer.summary.sizeBytes, 0);
    return {
      layers: removed.map((layer) => ({
        key: layer.summary.key,
        title: layer.title,
        sizeBytes: layer.summary.sizeBytes,
      })),
      caches: [],
      freedBytes: sum(removed),
      keptBytes: sum(all) - sum(removed),
    };
  }
}

export function describeSnapshot(inspection: SnapshotInspection): SnapshotDescription {
  const { name, layer, imageReference, imageDigest, createdAt, sizeBytes } = inspection;
  return { name, layer, imageReference, imageDigest, createdAt, sizeBytes };
}

export function missing(code: string, message: string): Failure {
  return new Failure({ code, category: "usage", message });
}
