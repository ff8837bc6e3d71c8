import type { Duplex, Readable } from "node:stream";
import type { BaseImage } from "../model/base-image.ts";
import type { ContentDigest, LayerKey, Sha256Digest } from "../model/identifiers.ts";
import type { SandboxConfiguration } from "../model/sandbox-configuration.ts";
import type { NetworkAccess, StepOperation } from "../model/step-operation.ts";

/**
 * A host that holds layers, snapshots and images and runs microVMs. The unit of work is a lineage, coarse
 * enough for a network or a job queue between client and worker. Every request and result is plain JSON data
 * (streams apart). Methods throw `Failure` for expected trouble; an aborted signal ends the call with a
 * `Failure` of category `cancelled` after the worker has cleaned up.
 */
export interface Worker extends AsyncDisposable {
  describe(signal: AbortSignal): Promise<WorkerDescription>;

  /** The images among `digests` that the worker can build on right now. */
  findImages(digests: readonly Sha256Digest[], signal: AbortSignal): Promise<ReadonlySet<Sha256Digest>>;
  /** Imports an OCI image layout given as a tar stream; idempotent. */
  importImage(image: BaseImage, layout: Readable, signal: AbortSignal): Promise<void>;

  /** The layers among `keys` that the worker holds, complete and with all their parents. */
  findLayers(keys: readonly LayerKey[], signal: AbortSignal): Promise<ReadonlyMap<LayerKey, LayerSummary>>;

  /**
   * Runs the steps that are not there yet, in one builder, and seals their layers. Resolves for a step that
   * fails, too: only trouble that is nobody's step's fault is thrown.
   */
  runLineage(request: LineageRequest, client: LineageClient, signal: AbortSignal): Promise<LineageOutcome>;

  /** Points the name at a layer, atomically; the one before stays as `NAME@previous`. */
  publishSnapshot(request: PublishRequest, signal: AbortSignal): Promise<SnapshotDescription>;
  /** Also what `NAME@previous` stands for. */
  listSnapshots(signal: AbortSignal): Promise<readonly SnapshotDescription[]>;
  /** @throws Failure `UnknownSnapshot`, with near names. Takes `NAME` and `NAME@previous`. */
  inspectSnapshot(name: string, signal: AbortSignal): Promise<SnapshotInspection>;
  removeSnapshot(name: string, signal: AbortSignal): Promise<void>;

  /** The kept output of the step that made (or tried to make) a layer; undefined when none is kept. */
  readLog(key: LayerKey, signal: AbortSignal): Promise<string | undefined>;
  /** The newest debug layer (a failed step's disk) of the given steps' keys, if any is kept. */
  findDebugLayer(keys: readonly LayerKey[], signal: AbortSignal): Promise<DebugLayer | undefined>;
  prune(request: PruneRequest, signal: AbortSignal): Promise<PruneReport>;

  /** Sorted by name. Measures them all. */
  listVolumes(signal: AbortSignal): Promise<readonly VolumeDescription[]>;
  /** Makes the volume; one that is there stays as it is, with the labels that it has. */
  ensureVolume(request: VolumeRequest, signal: AbortSignal): Promise<VolumeDescription>;
  /**
   * Deletes a volume with all that is in it.
   * @throws Failure `UnknownVolume`, with near names; `VolumeInUse` while a sandbox (stopped ones are some) or a step mounts it
   */
  removeVolume(name: string, signal: AbortSignal): Promise<void>;

  launchSandbox(request: LaunchRequest, signal: AbortSignal): Promise<SandboxDescription>;
  /** Runs a command in a running sandbox and resolves with its exit. */
  execInSandbox(request: ExecRequest, streams: ExecStreams, signal: AbortSignal): Promise<ExecExit>;
  listSandboxes(signal: AbortSignal): Promise<readonly SandboxDescription[]>;
  stopSandbox(name: string, signal: AbortSignal): Promise<void>;
  /** @throws Failure `SandboxRunning` unless `force`. */
  removeSandbox(name: string, options: { readonly force: boolean }, signal: AbortSignal): Promise<void>;
}

export interface WorkerDescription {
  /** Random, made with the store; tells a client's index which store it is about. */
  readonly storeId: string;
  /** Changes whenever something is removed from the store. */
  readonly generation: number;
  readonly version: string;
  /** Of this interface; client and worker must agree. */
  readonly protocol: number;
  /** e.g. `linux/amd64` */
  readonly platform: string;
  readonly cpus: number;
  readonly memoryMib: number;
}

/** Bump on every change of the requests, results or events in this file. */
export const workerProtocol = 5;

export interface LayerSummary {
  readonly key: LayerKey;
  /** The canonical key record, compared on a hit because XXH64 is not collision-proof. */
  readonly record: string;
  /**
   * The values of the variables that `ENV --from-output` steps set, of the layer's steps and of all below it; a later
   * step's value of a name stands for the earlier one.
   */
  readonly outputValues: Readonly<Record<string, string>>;
  /** Bytes on disk of this layer alone. */
  readonly sizeBytes: number;
  readonly sealedAt: string;
  readonly durationMs: number;
}

export interface Resources {
  readonly cpus: number;
  readonly memoryMib: number;
}

/** How eagerly layers are sealed; see docs/decisions for the measured costs. */
export type CheckpointPolicy = "every" | "auto" | "final";

export interface LineageRequest {
  readonly image: Sha256Digest;
  /** Size of the root of the chain; fixed for a lineage. */
  readonly diskSizeMib: number;
  /** Null: the lineage starts on the bare image. */
  readonly parent: LayerKey | null;
  readonly steps: readonly LineageStep[];
  readonly resources: Resources;
  readonly checkpoint: CheckpointPolicy;
  /** Keep the builder running when a step fails, under this sandbox name. */
  readonly keepFailedBuilderAs: string | null;
}

export interface LineageStep {
  readonly key: LayerKey;
  /** The canonical key record, stored beside the layer. */
  readonly record: string;
  /** One line for people: the instruction as written. */
  readonly title: string;
  readonly operation: StepOperation;
}

/** What the worker needs from its client while a lineage runs. */
export interface LineageClient {
  onEvent(event: LineageEvent): void;
  /**
   * Opens the content of a file that an operation names.
   * @throws Failure `ContextChanged` (also through the stream) when the bytes no longer have the digest.
   */
  openContent(digest: ContentDigest): Promise<Readable>;
  /**
   * As {@link openContent}, all of it at once: for small contents, of which a stream each would cost more than its bytes.
   * Absent: the client only opens.
   */
  readContent?(digest: ContentDigest): Promise<Uint8Array>;
  /**
   * The value of a secret that a step mounts, at most {@link secretLimitBytes}; null: the client has none of that name.
   * The worker keeps it in memory alone. Absent: the client has no secrets.
   */
  readSecret?(id: string): Promise<Uint8Array | null>;
  /** The ssh agents that the client lends to steps that mount one. Absent: none. */
  readonly sshAgents?: SshAgents;
}

/** Agents of the client, by the ids that `RUN --mount=type=ssh` names. */
export interface SshAgents {
  readonly ids: ReadonlySet<string>;
  /**
   * A new connection to one of them. Trouble with an agent breaks the stream off, and is no trouble of the step; whoever
   * asked destroys a stream that is no longer needed.
   */
  connect(id: string): Duplex;
}

/** What a secret may hold, in bytes. */
export const secretLimitBytes = 512 * 1024;

/** `index` is the position in {@link LineageRequest.steps}. */
export type LineageEvent =
  /** Another bake runs (or the store holds) the steps up to `index`: they are not run again. */
  | { readonly kind: "step-reused"; readonly index: number; readonly layer: LayerSummary }
  | { readonly kind: "waiting-for-other-bake"; readonly index: number }
  | { readonly kind: "builder-starting"; readonly index: number }
  | { readonly kind: "builder-started"; readonly index: number; readonly durationMs: number }
  /** The builder ended by itself or did not come up, and another one begins after the last sealed layer. */
  | { readonly kind: "builder-lost"; readonly index: number; readonly message: string }
  | { readonly kind: "step-started"; readonly index: number }
  | {
      readonly kind: "step-output";
      readonly index: number;
      readonly stream: "stdout" | "stderr";
      readonly text: string;
    }
  | { readonly kind: "step-completed"; readonly index: number; readonly durationMs: number }
  /** The steps from `firstIndex` to `index` are in this one layer. */
  | {
      readonly kind: "layer-sealed";
      readonly firstIndex: number;
      readonly index: number;
      readonly layer: LayerSummary;
      readonly sealMs: number;
    };

export type LineageOutcome =
  | { readonly kind: "completed"; readonly layer: LayerKey }
  | {
      readonly kind: "step-failed";
      readonly index: number;
      readonly reason: StepFailure;
      /** The disk as the step left it; `lightbox debug` boots it. Null when it could not be kept. */
      readonly debugLayer: LayerKey | null;
      readonly keptBuilder: string | null;
    };

export type StepFailure =
  | { readonly kind: "exit"; readonly exitCode: number }
  /** The step could not be carried out: unknown user, missing source in a stage, no space left, time is up, … */
  | {
      readonly kind: "refused";
      readonly code: string;
      readonly message: string;
      readonly hint: string | null;
    };

export interface DebugLayer {
  readonly layer: LayerKey;
  readonly failedStep: string;
  readonly createdAt: string;
}

/** Where a snapshot's (or debug layer's) files are. */
export interface SnapshotSource {
  /** Null: nothing changed over the image. */
  readonly layer: LayerKey | null;
  readonly image: BaseImage;
  readonly diskSizeMib: number;
  readonly configuration: SandboxConfiguration;
}

export interface HistoryEntry {
  readonly title: string;
  /** Null for an instruction that changes no file. */
  readonly layer: LayerKey | null;
}

export interface PublishRequest extends SnapshotSource {
  readonly name: string;
  /** Oldest first: what led to the snapshot, base image left out. */
  readonly history: readonly HistoryEntry[];
}

export interface SnapshotDescription {
  readonly name: string;
  readonly layer: LayerKey | null;
  readonly imageReference: string;
  readonly imageDigest: Sha256Digest;
  readonly createdAt: string;
  /** Bytes on disk of all its layers. */
  readonly sizeBytes: number;
}

export interface SnapshotInspection extends SnapshotDescription, SnapshotSource {
  readonly history: readonly HistoryEntry[];
}

export interface PruneRequest {
  /** Remove the least recently used layers until at most this many bytes are left. */
  readonly keepStorageBytes: number | null;
  /** Remove only what was last used longer ago. */
  readonly olderThanMs: number | null;
  readonly dryRun: boolean;
}

export interface PruneReport {
  readonly layers: readonly { readonly key: LayerKey; readonly title: string; readonly sizeBytes: number }[];
  /** Contents of `--mount=type=cache`, by their ids. */
  readonly caches: readonly { readonly id: string; readonly sizeBytes: number }[];
  readonly freedBytes: number;
  readonly keptBytes: number;
}

export interface VolumeRequest {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface VolumeDescription extends VolumeRequest {
  readonly createdAt: string;
  /** Bytes on disk. */
  readonly sizeBytes: number;
}

export interface LaunchRequest {
  readonly name: string;
  readonly from:
    | { readonly kind: "snapshot"; readonly name: string }
    /** What a snapshot would hold that is not published: for a TEST of a bake's result. */
    | (SnapshotSource & { readonly kind: "layer" })
    | { readonly kind: "debug"; readonly layer: LayerKey };
  readonly resources: Partial<Resources>;
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string | null;
  readonly user: string | null;
  readonly ports: readonly PortMapping[];
  readonly mounts: readonly Mount[];
  /** Replace a sandbox of the same name. */
  readonly replace: boolean;
  readonly network: NetworkAccess;
  /** End the sandbox and remove it after this long without use; null: never. */
  readonly idleTimeoutSeconds: number | null;
}

export interface PortMapping {
  /** e.g. `127.0.0.1` */
  readonly hostAddress: string;
  readonly hostPort: number;
  readonly guestPort: number;
  readonly protocol: "tcp" | "udp";
}

export type Mount =
  /** A folder of the worker's host; refused by workers that do not share the client's files. */
  | {
      readonly kind: "bind";
      readonly guestPath: string;
      readonly hostPath: string;
      readonly readOnly: boolean;
    }
  | {
      readonly kind: "volume";
      readonly guestPath: string;
      readonly volume: string;
      readonly readOnly: boolean;
    };

export interface SandboxDescription {
  readonly name: string;
  readonly status: "running" | "stopped" | "crashed";
  readonly snapshot: string | null;
  readonly createdAt: string;
  readonly ports: readonly PortMapping[];
  /** How the sandbox's default command, user and shell are chosen. */
  readonly configuration: SandboxConfiguration;
}

export interface ExecRequest {
  readonly sandbox: string;
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Null: as the sandbox's configuration says. */
  readonly workingDirectory: string | null;
  readonly user: string | null;
  readonly terminal: TerminalSize | null;
  /**
   * Not null: the command goes on by itself in a session of its own, what it prints goes to this file of the guest, and the
   * exit is 0 once it has started, 127 or 126 when it cannot, with the reason on stderr.
   */
  readonly detachedOutput: string | null;
}

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

export interface ExecStreams {
  /** Null: the command reads end of file at once. */
  readonly stdin: AsyncIterable<Uint8Array> | null;
  /** Both await, so that a slow reader slows the command down. With a terminal all output is stdout. */
  stdout(chunk: Uint8Array): Promise<void> | void;
  stderr(chunk: Uint8Array): Promise<void> | void;
  readonly resizes: AsyncIterable<TerminalSize> | null;
}

export interface ExecExit {
  /** As a shell reports it: 128 + n for signal n. */
  readonly exitCode: number;
}
