import type { WorkerOptions } from "../host/host-context.ts";
import type { DiagnosticsFormat } from "../render/diagnostics/format.ts";
import type { CheckpointPolicy } from "../worker/worker.ts";

/** What commander hands to the actions: one interface per command, here because both sides need them. */

/** The options that say what to bake; `bake`, `graph`, `debug` and `logs` share them. */
export interface LightfileOptions {
  readonly file?: string;
  readonly context?: string;
  readonly target?: string;
  readonly buildArg: Readonly<Record<string, string>>;
  readonly pull?: boolean;
  readonly locked?: boolean;
}

export interface LockOptions extends LightfileOptions {
  /** True: everything. */
  readonly update?: true | readonly string[];
  readonly host?: string;
}

export type ProgressMode = "auto" | "live" | "plain" | "json" | "quiet";

export interface BakeOptions extends LightfileOptions {
  readonly name?: string;
  readonly dryRun?: boolean;
  readonly cache: boolean;
  readonly checkpoint: CheckpointPolicy;
  readonly debug?: boolean;
  /** Each as written. */
  readonly secret: readonly string[];
  /** Each as written. */
  readonly ssh: readonly string[];
  readonly progress: ProgressMode;
  readonly quiet?: boolean;
  readonly format?: DiagnosticsFormat;
  readonly cpus?: number;
  readonly memory?: number;
}

export interface GraphOptions extends LightfileOptions {
  readonly format: "text" | "dot" | "mermaid" | "json";
  readonly host?: string;
}

export interface RunOptions {
  readonly name?: string;
  readonly rm?: boolean;
  readonly detach?: boolean;
  readonly waitHealthy?: boolean;
  readonly publishAll?: boolean;
  readonly tty?: boolean;
  readonly interactive?: boolean;
  readonly env: readonly string[];
  readonly publish: readonly string[];
  readonly volume: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly cpus?: number;
  readonly memory?: number;
  readonly network?: string;
  readonly replace?: boolean;
  readonly host?: string;
}

export interface ExecOptions {
  readonly tty?: boolean;
  readonly interactive?: boolean;
  readonly env: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly host?: string;
}

export interface PruneOptions {
  readonly keepStorage?: number;
  readonly olderThan?: number;
  readonly dryRun?: boolean;
  readonly host?: string;
}

/** Of `volumes create`. */
export interface CreateVolumeOptions extends WorkerOptions {
  readonly label: Readonly<Record<string, string>>;
}

export interface ServeOptions {
  readonly address: string;
  readonly port: number;
  readonly tokenFile?: string;
  readonly store?: string;
  readonly idleTimeout?: number;
}

export interface InitOptions {
  readonly yes?: boolean;
  readonly ifNeeded?: boolean;
}

/** Of `logs` and `debug`. */
export interface LogsOptions extends WorkerOptions {
  readonly target?: string;
}

export interface CheckOptions {
  readonly format?: DiagnosticsFormat;
  readonly skip: readonly string[];
  readonly error: readonly string[];
  readonly strict?: boolean;
  readonly fix?: boolean;
  /** A folder; false: `--no-context`. */
  readonly context?: string | boolean;
  readonly buildArg: Readonly<Record<string, string>>;
  readonly listRules?: boolean;
}

export interface FormatOptions {
  readonly check?: boolean;
  readonly diff?: boolean;
  readonly write?: boolean;
}
