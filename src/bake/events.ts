import type { Position } from "../diagnostics/source-file.ts";
import type { LayerKey, Sha256Digest, StepId } from "../model/identifiers.ts";
import type { StepFailure } from "../worker/worker.ts";
import type { LocatedDiagnostic } from "./located-diagnostic.ts";

/**
 * What a bake reports while it goes on: plain JSON data, the same for every renderer and for
 * `--progress=json`. docs/events.md describes it; a test keeps the two together. Bump
 * {@link eventSchemaVersion} when an event changes its meaning or loses a field; additions do not count.
 */
export type BakeEvent = BakeEventBody & {
  /** Milliseconds since 1970-01-01 UTC. */
  readonly at: number;
};

export const eventSchemaVersion = 1;

export type BakeEventBody =
  | BakeStarted
  | SourceFetching
  | SourceProgress
  | SourceFetched
  | BaseResolving
  | BaseResolved
  | BaseRetrying
  | BaseProgress
  | BaseImported
  | Planned
  | WorkerOpening
  | WorkerOpened
  | WorkerLost
  | StepCached
  | StepQueued
  | StepWaiting
  | BuilderStarting
  | BuilderStarted
  | BuilderLost
  | StepStarted
  | StepOutput
  | StepCompleted
  | LayerSealed
  | StepFailed
  | StepCancelled
  | TestStarted
  | TestOutput
  | TestPassed
  | TestFailed
  | SnapshotPublished
  | DiagnosticReported
  | BakeCompleted;

/** Always the first event. */
export interface BakeStarted {
  readonly kind: "bake-started";
  /** {@link eventSchemaVersion} */
  readonly schema: number;
  /** Path of the Lightfile as the user typed it. */
  readonly lightfile: string;
  /** The stage asked for; null: the last one. */
  readonly target: string | null;
  /** e.g. `linux/amd64` */
  readonly platform: string;
}

/** A URL of an ADD, or a repository, is being looked for: on this host first. */
export interface SourceFetching {
  readonly kind: "source-fetching";
  /** The URL, with `#` and the branch or tag of a repository. */
  readonly source: string;
}

/** A URL is on its way. */
export interface SourceProgress {
  readonly kind: "source-progress";
  readonly source: string;
  readonly doneBytes: number;
  /** Null when the total is not known. */
  readonly totalBytes: number | null;
}

export interface SourceFetched {
  readonly kind: "source-fetched";
  readonly source: string;
  readonly durationMs: number;
}

/** A FROM's reference is being turned into a digest. */
export interface BaseResolving {
  readonly kind: "base-resolving";
  readonly reference: string;
}

export interface BaseResolved {
  readonly kind: "base-resolved";
  readonly reference: string;
  readonly digest: Sha256Digest;
  /** True when nobody was asked: the answer was known from before. */
  readonly remembered: boolean;
  readonly durationMs: number;
}

/** A registry failed in passing, or was silent, and is asked again after a while. */
export interface BaseRetrying {
  readonly kind: "base-retrying";
  readonly reference: string;
  readonly registry: string;
  readonly reason: string;
  readonly waitMs: number;
}

/** A base image is on its way from a registry or to the worker. */
export interface BaseProgress {
  readonly kind: "base-progress";
  readonly reference: string;
  readonly phase: "pull" | "import";
  readonly doneBytes: number;
  /** Null when the total is not known. */
  readonly totalBytes: number | null;
}

/** The worker has a base image that it had not before. */
export interface BaseImported {
  readonly kind: "base-imported";
  readonly reference: string;
  readonly digest: Sha256Digest;
  readonly durationMs: number;
}

/** What there is to do; every later `step` is one of these ids. */
export interface Planned {
  readonly kind: "planned";
  /** A stage comes after those it depends on. */
  readonly stages: readonly PlannedStageSummary[];
  /** Index of the target stage. */
  readonly target: number;
  /** The target's TESTs, in order; every later `test` is one of these ids. */
  readonly tests: readonly PlannedStepSummary[];
  /** The name that the bake publishes; null when it publishes none. */
  readonly snapshotName: string | null;
}

export interface PlannedStageSummary {
  /** Position among the file's stages, from 0. */
  readonly index: number;
  readonly name: string | null;
  /** Reference of the image at the bottom of the chain. */
  readonly image: string;
  readonly steps: readonly PlannedStepSummary[];
}

export interface PlannedStepSummary {
  readonly id: StepId;
  /** The instruction on one line. */
  readonly title: string;
  /** The file that the instruction stands in: the one that is baked, or one that it is joined with. */
  readonly file: string;
  /** Of the instruction in that file. */
  readonly position: Position;
}

/** There is something to run or to publish, so the worker is needed; it may have to be started first. */
export interface WorkerOpening {
  readonly kind: "worker-opening";
}

export interface WorkerOpened {
  readonly kind: "worker-opened";
  readonly durationMs: number;
}

/** The step is not run. */
export interface StepCached {
  readonly kind: "step-cached";
  readonly step: StepId;
  /** The layer that holds the step's changes. */
  readonly layer: LayerKey;
  /** What the step took when it ran; 0 where that is not known, as for a step that a later layer holds. */
  readonly savedMs: number;
  /**
   * `other-bake`: another bake made it while this one waited. `not-needed`: it is not in the store, and nothing
   * that runs reads it.
   */
  readonly source: "store" | "other-bake" | "not-needed";
}

/** The step will run. */
export interface StepQueued {
  readonly kind: "step-queued";
  readonly step: StepId;
}

/** The step could go on but has to wait. */
export interface StepWaiting {
  readonly kind: "step-waiting";
  readonly step: StepId;
  /** `resources`: other builders have the worker's CPUs or memory. `other-bake`: another bake runs the same step. */
  readonly reason: "resources" | "other-bake";
}

/**
 * The worker does not answer any more: it is opened again, and the bake goes on after the last sealed layers. Steps that
 * are in no layer yet run again.
 */
export interface WorkerLost {
  readonly kind: "worker-lost";
  readonly message: string;
}

/** A builder is booting for this step and those that follow it. */
export interface BuilderStarting {
  readonly kind: "builder-starting";
  readonly step: StepId;
}

export interface BuilderStarted {
  readonly kind: "builder-started";
  readonly step: StepId;
  readonly durationMs: number;
}

/**
 * The builder ended by itself or did not come up, which is no step's fault: another one starts after the last sealed layer, and
 * steps that are in no layer yet run again.
 */
export interface BuilderLost {
  readonly kind: "builder-lost";
  readonly step: StepId;
  readonly message: string;
}

export interface StepStarted {
  readonly kind: "step-started";
  readonly step: StepId;
}

/** A piece of output, not cut at line ends and not sanitised. */
export interface StepOutput {
  readonly kind: "step-output";
  readonly step: StepId;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

export interface StepCompleted {
  readonly kind: "step-completed";
  readonly step: StepId;
  readonly durationMs: number;
}

export interface LayerSealed {
  readonly kind: "layer-sealed";
  /** The steps whose changes are in this one layer, in order. */
  readonly steps: readonly StepId[];
  readonly layer: LayerKey;
  /** Bytes on disk of this layer alone. */
  readonly sizeBytes: number;
  readonly durationMs: number;
}

/** What is told of a step or a test that failed. */
interface FailureReport {
  readonly title: string;
  readonly reason: StepFailure;
  /** What the language does otherwise than one may expect here, e.g. that a heredoc script stops; null: nothing. */
  readonly hint: string | null;
  /** The last lines of its output, oldest first, not sanitised. */
  readonly outputTail: readonly string[];
  /** Path of the Lightfile as the user typed it. */
  readonly lightfile: string;
  /** The file that it stands in: the same, or one that it is joined with. */
  readonly file: string;
  readonly position: Position;
}

export interface StepFailed extends FailureReport {
  readonly kind: "step-failed";
  readonly step: StepId;
  /** The disk as the step left it, for `lightbox debug`; null when it could not be kept. */
  readonly debugLayer: LayerKey | null;
  /** Name of the sandbox that `--debug` kept running; null without it. */
  readonly keptBuilder: string | null;
}

/** The step was running, or would have run, when the bake was stopped or another step failed. */
export interface StepCancelled {
  readonly kind: "step-cancelled";
  readonly step: StepId;
}

/** A TEST of the target runs in a sandbox on the result; all steps are there. */
export interface TestStarted {
  readonly kind: "test-started";
  readonly test: StepId;
}

/** As {@link StepOutput}. */
export interface TestOutput {
  readonly kind: "test-output";
  readonly test: StepId;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

export interface TestPassed {
  readonly kind: "test-passed";
  readonly test: StepId;
  /** Booting the sandbox included; 0 when it is remembered. */
  readonly durationMs: number;
  /** It passed on the same result before and was not run. */
  readonly remembered: boolean;
}

/** The bake ends, and the snapshot's name stays where it is. */
export interface TestFailed extends FailureReport {
  readonly kind: "test-failed";
  readonly test: StepId;
}

export interface SnapshotPublished {
  readonly kind: "snapshot-published";
  readonly name: string;
  /** Null: the bare image. */
  readonly layer: LayerKey | null;
  /** What the name pointed at before, as far as is known; null when that was the bare image or nothing. */
  readonly previous: LayerKey | null;
}

/**
 * A mistake or a warning in the Lightfile. Renderers for people show the warnings; errors are left to whoever gets
 * the outcome, which has them all.
 */
export interface DiagnosticReported {
  readonly kind: "diagnostic";
  readonly diagnostic: LocatedDiagnostic;
}

/** Always the last event, except after an environment failure. */
export interface BakeCompleted {
  readonly kind: "bake-completed";
  readonly outcome: "completed" | "invalid" | "step-failed" | "test-failed" | "cancelled";
  readonly cachedCount: number;
  readonly ranCount: number;
  /** TESTs that passed, those that are remembered included. */
  readonly passedTestCount: number;
  readonly durationMs: number;
  /** What the cached steps took when they ran. */
  readonly savedMs: number;
  /** The name that now stands for the result; null when there is none or the bake did not complete. */
  readonly snapshot: string | null;
}
