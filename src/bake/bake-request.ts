import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { SourceFile } from "../diagnostics/source-file.ts";
import type { BaseImage } from "../model/base-image.ts";
import type { Evidence } from "../model/evidence.ts";
import type { LayerKey } from "../model/identifiers.ts";
import type { CheckpointPolicy, Resources, SshAgents, Worker } from "../worker/worker.ts";
import type { ClientSecrets } from "./client-secrets.ts";
import type { BakeEvent, StepFailed, TestFailed } from "./events.ts";
import type { ImageSource } from "./image-source.ts";
import type { LayerLookup } from "./layer-lookup.ts";

/** What to bake. */
export interface BakeRequest {
  readonly lightfile: SourceFile;
  /** Absolute path of the Lightfile: names its history; for a Lightfile from stdin, any stable name. */
  readonly lightfilePath: string;
  /** Absolute path. */
  readonly contextDirectory: string;
  readonly buildArguments: Readonly<Record<string, string>>;
  /** Name or number of a stage; null: the last one. */
  readonly target: string | null;
  /** Published instead of the target's SNAPSHOT; null: as the Lightfile says. */
  readonly snapshotName: string | null;
  /** e.g. `linux/amd64` */
  readonly platform: string;
  /** Ask the registry again what a tag means. */
  readonly pull: boolean;
  /** Fail where the lock file does not pin what a reference means. */
  readonly locked?: boolean;
  /** Run every step again; see `KeyPlanOptions.ground` for what later bakes make of it. */
  readonly noCache: boolean;
  readonly checkpoint: CheckpointPolicy;
  /** `--debug`: keep the builder of a failed step running. */
  readonly keepFailedBuilder: boolean;
  /** Wins over RESOURCES; empty: as the Lightfile or lightbox says. */
  readonly resources: Partial<Resources>;
}

/** Everything that a bake needs from outside. */
export interface BakeCollaborators {
  /** LIGHTBOX_HOME: holds the client's index, history and stat cache. */
  readonly homeDirectory: string;
  /** Tells this worker's index file from others': letters, digits, `.`, `-`, `_`. */
  readonly workerName: string;
  /** Called at most once, and not at all when there is nothing to run and nothing to publish. */
  openWorker(signal: AbortSignal): Promise<Worker>;
  /** Opens the worker once more, after the connection to it was lost; absent: a lost connection ends the bake. */
  reopenWorker?(signal: AbortSignal): Promise<Worker>;
  readonly images: ImageSource;
  /** Awaited before each repository and each file of the web is taken, whether it is fetched or kept from before. */
  readonly beforeSource?: () => Promise<void>;
  /** Awaited once, before ADD fetches anything: e.g. for proxies. */
  readonly beforeDownload?: () => Promise<void>;
  /** Reads the worker's store without the worker, where it is on this host; null: the index is asked. */
  readonly localLayers: LayerLookup | null;
  /** For `RUN --mount=type=secret`; absent: none is given. */
  readonly secrets?: ClientSecrets;
  /** For `RUN --mount=type=ssh`, e.g. of `sshAgentsAt`; absent: none is given. */
  readonly sshAgents?: SshAgents;
  onEvent(event: BakeEvent): void;
  /** Called after a bake that completed, when the same request would now find nothing to do; see {@link Repetition}. */
  onRepeatable?(repetition: Repetition): void;
  /** Milliseconds since 1970-01-01 UTC. */
  now(): number;
}

/**
 * What a bake would be if it were asked for again: nothing is run and nothing published. That rests on files of this
 * host alone, besides the request, and holds as long as they are as they were.
 */
export interface Repetition {
  readonly evidence: readonly Evidence[];
  /** All that such a bake says. */
  readonly events: readonly BakeEvent[];
}

interface BakeCounts {
  readonly cachedCount: number;
  readonly ranCount: number;
  /** TESTs that passed, those that are remembered included. */
  readonly passedTestCount: number;
  readonly durationMs: number;
  /** What the cached steps took when they ran. */
  readonly savedMs: number;
}

/**
 * How a bake ended. `diagnostics` has the warnings, too, which renderers have shown already; the errors of an
 * `invalid` outcome are the caller's to print.
 */
export type BakeOutcome =
  | (BakeCounts & {
      readonly kind: "completed";
      /** Null when neither the Lightfile nor the request names one. */
      readonly snapshotName: string | null;
      /** The target's last layer; null: the bare image. */
      readonly layer: LayerKey | null;
      readonly image: BaseImage;
      /** False when the name already stood for this result. */
      readonly published: boolean;
      readonly diagnostics: readonly Diagnostic[];
    })
  | { readonly kind: "invalid"; readonly diagnostics: readonly Diagnostic[] }
  | (BakeCounts & {
      readonly kind: "step-failed";
      readonly failure: StepFailed;
      readonly diagnostics: readonly Diagnostic[];
    })
  | (BakeCounts & {
      readonly kind: "test-failed";
      readonly failure: TestFailed;
      readonly diagnostics: readonly Diagnostic[];
    })
  | (BakeCounts & { readonly kind: "cancelled"; readonly diagnostics: readonly Diagnostic[] });
