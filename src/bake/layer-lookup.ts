import { hash } from "node:crypto";
import type { KeyedStep } from "../graph/keys/keyed-plan.ts";
import type { Evidence } from "../model/evidence.ts";
import type { LayerKey } from "../model/identifiers.ts";
import { isSha256Digest, type Sha256Digest } from "../model/identifiers.ts";
import type { LayerSummary, SnapshotSource } from "../worker/worker.ts";

/** Answers from what is known of a worker's store, without asking the worker. */
export interface LayerLookup {
  /** The layers among `keys` that are there with all their parents. */
  findLayers(keys: readonly LayerKey[]): Promise<ReadonlyMap<LayerKey, KnownLayer>>;
  /** What a snapshot's name stands for; undefined when that is not known. */
  findSnapshot(name: string): Promise<KnownSnapshot | undefined>;
  /** Of the answers about these layers and any snapshot. */
  evidence(keys: readonly LayerKey[]): readonly Evidence[];
}

export interface KnownLayer {
  readonly key: LayerKey;
  /**
   * {@link recordDigest} of the key record. XXH64 is not collision-proof, so a hit needs this to be equal, too. A
   * digest because the record of a COPY of 20,000 files is megabytes, and the index has to load fast.
   */
  readonly recordDigest: Sha256Digest;
  readonly sizeBytes: number;
  readonly durationMs: number;
  /** See `LayerSummary.outputValues`. */
  readonly outputValues: Readonly<Record<string, string>>;
}

export interface KnownSnapshot {
  /** Null: the bare image. */
  readonly layer: LayerKey | null;
  /** {@link snapshotFingerprint} */
  readonly fingerprint: Sha256Digest;
}

export function recordDigest(record: string): Sha256Digest {
  return sha256Of(record);
}

export function knownLayer(summary: LayerSummary): KnownLayer {
  return {
    key: summary.key,
    recordDigest: recordDigest(summary.record),
    sizeBytes: summary.sizeBytes,
    durationMs: summary.durationMs,
    outputValues: summary.outputValues,
  };
}

/** Whether a layer found under a step's key is that step's layer indeed. */
export function isHit(step: KeyedStep, layer: KnownLayer | undefined): layer is KnownLayer {
  return layer !== undefined && layer.recordDigest === recordDigest(step.record);
}

/** Equal for two snapshots that boot the same: layer, image, disk size and configuration; not the history. */
export function snapshotFingerprint(source: SnapshotSource): Sha256Digest {
  const { configuration } = source;
  return sha256Of(
    JSON.stringify([
      source.layer,
      source.image.digest,
      source.diskSizeMib,
      sortedEntries(configuration.environment),
      configuration.workingDirectory,
      configuration.user,
      configuration.entrypoint,
      configuration.command,
      configuration.shell,
      sortedEntries(configuration.labels),
      configuration.exposedPorts,
      configuration.volumes,
      configuration.stopSignal,
      // What a snapshot may have had from the beginning is above; the rest counts only where it is there.
      ...(configuration.healthcheck === null ? [] : [{ healthcheck: configuration.healthcheck }]),
      ...(configuration.onbuild.length === 0 ? [] : [{ onbuild: configuration.onbuild }]),
      ...(configuration.outputVariables.length === 0 ? [] : [{ outputs: configuration.outputVariables }]),
    ]),
  );
}

function sortedEntries(record: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(record).sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
}

function sha256Of(text: string): Sha256Digest {
  const digest = `sha256:${hash("sha256", text, "hex")}`;
  if (!isSha256Digest(digest)) throw new Error(`internal error: not a SHA-256 digest: ${digest}`);
  return digest;
}
