import { findHome } from "../host/home.ts";
import type { HostContext } from "../host/host-context.ts";
import { version } from "../host/version.ts";
import { describeMachineEvent } from "../machine/machine-events.ts";

/** Which worker a function of the library uses, and when it gives up. */
export interface HostOptions {
  /** Address of a worker elsewhere; absent: `LIGHTBOX_HOST`, else this host, or the machine where it has no virtualization. */
  readonly host?: string;
  /** Ends the call with a `Failure` of category `cancelled`, after it has cleaned up. */
  readonly signal?: AbortSignal;
  /** Tell on stderr what is going on. */
  readonly verbose?: boolean;
}

/** What the functions of the library know of the process that calls them: its environment, as the command line does. */
export function hostContext({ signal, verbose = false }: HostOptions): HostContext {
  return {
    home: findHome(process.env),
    environment: process.env,
    version,
    signal: signal ?? new AbortController().signal,
    onMachineEvent(event) {
      if (verbose) tell(describeMachineEvent(event));
    },
  };
}

export function tell(line: string): void {
  process.stderr.write(`[lightbox] ${line}\n`);
}
