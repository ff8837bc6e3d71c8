import type { LayerKey, Sha256Digest } from "../model/identifiers.ts";
import type { DebugLayerRecord, LayerRecord } from "./layer-record.ts";
import type { LockOptions, Release } from "./lock.ts";
import type { PruneOutcome, PruneRequest } from "./prune.ts";
import type { SnapshotDocument } from "./snapshot-document.ts";

/**
 * A folder of layers, snapshots and what running work holds of them. Safe to use from several processes at
 * once; a process that is killed at any moment leaves a valid store.
 *
 *     version                            format of the store
 *     store.json                         {storeId, generation}
 *     blank-<sizeMib>/disk.raw           an empty ext4, the root of every chain
 *     layers/<key>/                      disk.qcow2, layer.json, log.txt, logs/<covered key>.txt
 *     debug/<key>.<random>/              disk.qcow2, debug.json, log.txt of a step that failed
 *     snapshots/<encoded name>.json      and <encoded name>@previous.json
 *     volumes/<name>/                    what guests write into a volume
 *     volumes/.records/<name>.json       when it was made and its labels; none beside volumes of earlier versions
 *     holds/ locks/ tmp/                 named after the process they belong to
 */
export interface LayerStore {
  /** Absolute, links resolved. */
  readonly root: string;
  /** Random, made with the store. */
  readonly storeId: string;
  /** Changes whenever something is removed from the store. */
  generation(): Promise<number>;

  /** The layers among `keys` that are complete, with complete parents. */
  find(keys: readonly LayerKey[]): Promise<ReadonlyMap<LayerKey, LayerRecord>>;
  /** @throws Failure `UnknownLayer` when it is not there or not complete. */
  get(key: LayerKey): Promise<LayerRecord>;
  /** From the layer down to the one that stands on the blank disk. @throws Failure `UnknownLayer` */
  chainOf(key: LayerKey): Promise<readonly LayerRecord[]>;
  /** Number of qcow2 files that a reader of the layer has to open. */
  chainDepth(key: LayerKey): Promise<number>;
  /** Bytes on disk of the layer and all its parents; 0 for null. */
  chainSizeBytes(key: LayerKey | null): Promise<number>;
  /** Makes the empty disk if need be. @throws Failure `FilesystemToolMissing` */
  blank(sizeMib: number): Promise<BlankDisk>;

  /** An empty overlay over the parent's chain, for a builder or sandbox to write into; takes no space. */
  createWritable(request: WritableRequest): Promise<WritableDisk>;
  /** The same over the disk of a failed step. @throws Failure `UnknownLayer` */
  createWritableOverDebug(request: DebugWritableRequest): Promise<WritableDisk>;

  /** The disks of failed steps, newest first. */
  listDebug(): Promise<readonly DebugLayerRecord[]>;
  getDebug(key: LayerKey): Promise<DebugLayerRecord | undefined>;
  /** Output of the step, also if its layer failed or is part of another; undefined when none is kept. */
  readLog(key: LayerKey): Promise<string | undefined>;

  /** Points the name at the document atomically; the one before stays as `NAME@previous`. */
  publishSnapshot(name: string, document: SnapshotContent): Promise<SnapshotDocument>;
  /** Also what `NAME@previous` stands for, right behind NAME. */
  listSnapshots(): Promise<readonly SnapshotDocument[]>;
  /** Takes `NAME` and `NAME@previous`. @throws Failure `UnknownSnapshot`, with near names */
  getSnapshot(name: string): Promise<SnapshotDocument>;
  /** Removes the name and its previous one (or only the latter, named so). @throws Failure `UnknownSnapshot` */
  removeSnapshot(name: string): Promise<void>;

  /** What outlives sandboxes and steps; `prune` leaves it alone. */
  readonly volumes: VolumeStore;

  /** Remembers that the layer was used now, for `prune`. */
  touch(key: LayerKey): Promise<void>;
  /**
   * Keeps the layer and its parents from being pruned as long as the owner lives. The layer need not be there
   * yet: hold first, then look, and what was found (or is sealed afterwards) stays.
   */
  hold(key: LayerKey, owner: HoldOwner): Promise<Release>;
  /** The same for what a disk stands on, the blank disk too. */
  holdBase(disk: DiskFoundation, owner: HoldOwner): Promise<Release>;
  /** Waits until this caller alone, of all processes, has the name. @throws Failure `Cancelled` */
  lock(name: string, options?: LockOptions): Promise<Release>;
  /** Whether somebody has the lock right now (it may change at once). */
  isLocked(name: string): Promise<boolean>;

  prune(request: PruneRequest): Promise<PruneOutcome>;
  /** Deletes what processes that are gone left in `tmp/`, `locks/` and `holds/`; returns the bytes freed. */
  sweepLeftovers(): Promise<number>;
}

/** `process`: until the process ends. `file`: as long as the file (a stopped sandbox's disk, say) exists. */
export type HoldOwner =
  | { readonly kind: "process"; readonly pid: number }
  | { readonly kind: "file"; readonly path: string };

/** Who holds something, as the store knows it. */
export type Holder = { readonly kind: "process" } | Extract<HoldOwner, { kind: "file" }>;

/** Folders that guests write into. Names are the callers' to check: they are part of paths. */
export interface VolumeStore {
  /** Sorted by name. */
  list(): Promise<readonly StoredVolume[]>;
  /** Makes the volume; one that is there stays as it is, with the labels that it has. */
  ensure(name: string, labels: Readonly<Record<string, string>>): Promise<StoredVolume>;
  /** Makes those that are not there, and keeps all of them from being removed as long as the owner lives. */
  hold(names: readonly string[], owner: HoldOwner): Promise<HeldVolumes>;
  /**
   * Removes the volume with all that is in it, unless somebody holds it.
   * @returns who holds it; none: it is removed
   * @throws Failure `UnknownVolume`, with near names
   */
  remove(name: string): Promise<readonly Holder[]>;
}

export interface StoredVolume {
  readonly name: string;
  /** ISO 8601 */
  readonly createdAt: string;
  /** Bytes on disk. */
  readonly sizeBytes: number;
  readonly labels: Readonly<Record<string, string>>;
}

export interface HeldVolumes {
  /** By name. */
  readonly folders: ReadonlyMap<string, string>;
  readonly release: Release;
}

/** What a disk is written over. */
export type DiskFoundation = Pick<WritableDisk, "parent" | "diskSizeMib">;

export interface BlankDisk {
  readonly path: string;
  readonly sizeMib: number;
  readonly instance: string;
}

export interface WritableRequest {
  readonly parent: LayerKey | null;
  /** Must be the parent's. */
  readonly diskSizeMib: number;
  /** Existing folder to make `disk.qcow2` in, for a sandbox that outlives this process; default: in `tmp/`. */
  readonly directory?: string;
}

export interface DebugWritableRequest {
  readonly debugKey: LayerKey;
  readonly directory?: string;
}

/** A disk that a microVM writes into. It holds its parent's chain until it is sealed or discarded. */
export interface WritableDisk {
  /** Absolute path of the qcow2 file. */
  readonly path: string;
  readonly parent: LayerKey | null;
  readonly diskSizeMib: number;
  /** Opens (appends to) the step's log; it moves along when a layer that has the step is sealed. */
  openLog(key: LayerKey): Promise<LayerLog>;
  /**
   * Makes the disk a layer; nobody may have it open. The disk is gone afterwards. If the layer is there
   * already, that one is returned and this disk is dropped.
   * @throws Failure `NoSpaceLeft`, `LayerImageRefused`
   */
  seal(request: SealRequest): Promise<LayerRecord>;
  /**
   * Cuts a layer out of the disk of a running builder that has been quiesced: a new file with what changed
   * since the last `sealCopy`. The builder goes on with this disk.
   */
  sealCopy(request: SealRequest): Promise<LayerRecord>;
  /** Keeps the disk of a failed step; nobody may have it open. The disk is gone afterwards. */
  sealAsDebug(request: SealDebugRequest): Promise<DebugLayerRecord>;
  /** The same for a builder that goes on running. */
  copyAsDebug(request: SealDebugRequest): Promise<DebugLayerRecord>;
  /** Deletes the disk and lets go of the parent. Idempotent. */
  discard(): Promise<void>;
}

export interface SealRequest {
  readonly key: LayerKey;
  readonly imageDigest: Sha256Digest;
  readonly keyRecord: string;
  readonly title: string;
  /** Keys of earlier steps since the last seal, oldest first. */
  readonly coveredKeys: readonly LayerKey[];
  /** See `LayerRecord`. */
  readonly outputValues?: Readonly<Record<string, string>>;
  readonly durationMs: number;
  readonly signal?: AbortSignal;
}

export interface SealDebugRequest {
  readonly key: LayerKey;
  readonly imageDigest: Sha256Digest;
  readonly title: string;
}

export interface LayerLog {
  write(text: string): void;
  /** Resolves when everything is in the file. */
  close(): Promise<void>;
}

export type SnapshotContent = Omit<SnapshotDocument, "version" | "name" | "createdAt">;

export interface LayerStoreOptions {
  /** Told about a layer or snapshot that is there but cannot be used. */
  readonly onDamage?: (problem: string) => void;
  /** Called at each point where a crash would matter; tests end the process here. */
  readonly onCheckpoint?: (point: string) => void;
}
