import type { LayerKey } from "../model/identifiers.ts";
import type { LayerSummary } from "../worker/worker.ts";

/** Answers from what is known of a worker's store, without asking the worker. */
export interface LayerLookup {
  /** The layers among `keys` that are there with all their parents. */
  findLayers(keys: readonly LayerKey[]): Promise<ReadonlyMap<LayerKey, KnownLayer>>;
  /** What a snapshot's name stands for; undefined when that is not known. */
  findSnapshot(name: string): Promise<KnownSnapshot | undefined>;
}

export type KnownLayer = Pick<LayerSummary, "key" | "record" | "sizeBytes" | "durationMs">;

export interface KnownSnapshot {
  /** Null: the bare image. */
  readonly layer: LayerKey | null;
  /** Of image, disk size and configuration: see `snapshotFingerprint`. */
  readonly fingerprint: string;
}
