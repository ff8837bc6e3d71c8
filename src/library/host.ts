import { withWorker } from "../host/choose-worker.ts";
import { findHome } from "../host/home.ts";
import type { HostContext } from "../host/host-context.ts";
import { version } from "../host/version.ts";
import { describeMachineEvent } from "../machine/machine-events.ts";
import type { Worker } from "../worker/worker.ts";

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

/** Opens the worker for one call and closes it again, so that nothing keeps the process from ending. */
export async function useWorker<Result>(
  options: HostOptions,
  act: (worker: Worker, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const context = hostContext(options);
  return await withWorker(options, context, (worker) => act(worker, context.signal));
}

export function tell(line: string): void {
  process.stderr.write(`[lightbox] ${line}\n`);
}
