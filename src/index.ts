/** The library. What it promises is still small; see docs/limitations.md. */

export { bake } from "./bake/bake.ts";
export type { BakeCollaborators, BakeOutcome, BakeRequest } from "./bake/bake-request.ts";
export { type BakeExplanation, explainBake, type StepExplanation } from "./bake/dry-run.ts";
export { type BakeEvent, eventSchemaVersion } from "./bake/events.ts";
export { sshAgentsAt } from "./bake/ssh-agents.ts";
export type { Diagnosed, Diagnostic } from "./diagnostics/diagnostic.ts";
export { Failure, type FailureCategory } from "./diagnostics/failure.ts";
export type { SourceFile } from "./diagnostics/source-file.ts";
export { type BuildOptions, type BuiltSnapshot, buildSnapshot } from "./library/build-snapshot.ts";
export { ExecOutput } from "./library/exec-output.ts";
export type { HostOptions } from "./library/host.ts";
export {
  connectToSandbox,
  type LaunchOptions,
  launchSandbox,
  listSandboxes,
  type MountOption,
  removeSandbox,
  runInSandbox,
} from "./library/launch-sandbox.ts";
export type { ExecOptions, Sandbox } from "./library/sandbox.ts";
export {
  defineSnapshot,
  exec,
  lightfileOf,
  type Memory,
  type PresetConfig,
  type SetupStep,
  type SnapshotConfig,
  type SnapshotResources,
  shell,
} from "./library/snapshot-config.ts";
export { inspectSnapshot, listSnapshots, removeSnapshot, snapshotExists } from "./library/snapshots.ts";
export {
  type EnsureVolumeOptions,
  ensureVolume,
  listVolumes,
  removeVolume,
  type VolumeRecord,
  volumeExists,
} from "./library/volumes.ts";
export { parseLightfile } from "./lightfile/parse.ts";
export type { BaseImage } from "./model/base-image.ts";
export type { SandboxConfiguration } from "./model/sandbox-configuration.ts";
export { connectWorker } from "./worker/remote/connect-worker.ts";
export type * from "./worker/worker.ts";
