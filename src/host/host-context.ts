import type { MachineEvent } from "../machine/machine-events.ts";
import type { Home } from "./home.ts";

/** What has to be known of a process and its host to find lightbox's files and a worker. */
export interface HostContext {
  readonly home: Home;
  readonly environment: NodeJS.ProcessEnv;
  /** Of the lightbox package. */
  readonly version: string;
  readonly signal: AbortSignal;
  /** Told of what it takes to start the machine. */
  onMachineEvent(event: MachineEvent): void;
}

/** Which worker is wanted. */
export interface WorkerOptions {
  /** Address of one elsewhere; absent: what `LIGHTBOX_HOST` says, else one of this host. */
  readonly host?: string | undefined;
}
