import { Failure } from "../../diagnostics/failure.ts";
import { silenceLimitMs } from "./protocol.ts";
import { type SilenceWatch, watchSilence } from "./silence-watch.ts";

/** What a server is doing for clients. Sandboxes that run by themselves are the worker's matter. */
export interface ServerActivity {
  /** False when no client waits for anything. */
  readonly isBusy: boolean;
  readonly requests: number;
  readonly lineages: number;
  readonly execs: number;
}

export type CallKind = "request" | "lineage" | "exec";

/** One thing that a client waits for. */
export interface Call {
  /** Aborts when the client has gone or says so, and when the server closes; the reason is a `Failure`. */
  readonly signal: AbortSignal;
  abort(reason: Failure): void;
  heard(): void;
  end(): void;
}

/** All running calls of a server: by id, to be kept alive or aborted by another request, and counted. */
export class Calls {
  readonly #running = new Set<Call>();
  readonly #byId = new Map<string, Call>();
  readonly #counts: Record<CallKind, number> = { request: 0, lineage: 0, exec: 0 };
  readonly #onActivity: (activity: ServerActivity) => void;
  readonly #silenceLimitMs: number;
  #closing: Failure | undefined;
  #idle = Promise.withResolvers<void>();

  constructor(
    onActivity: (activity: ServerActivity) => void = () => {},
    limits: { readonly silenceLimitMs?: number } = {},
  ) {
    this.#onActivity = onActivity;
    this.#silenceLimitMs = limits.silenceLimitMs ?? silenceLimitMs;
    this.#idle.resolve();
  }

  /** With an id, the client has promised signs of life: without them the call is aborted. */
  begin(kind: CallKind, id: string | undefined): Call {
    const controller = new AbortController();
    let watch: SilenceWatch | undefined;
    const call: Call = {
      signal: controller.signal,
      abort: (reason) => controller.abort(reason),
      heard: () => watch?.heard(),
      end: () => this.#end(kind, id, call, watch),
    };
    if (id !== undefined) {
      this.#byId.set(id, call);
      watch = watchSilence(this.#silenceLimitMs, () => call.abort(clientVanished()));
    }
    if (this.#running.size === 0) this.#idle = Promise.withResolvers();
    this.#running.add(call);
    this.#count(kind, 1);
    if (this.#closing !== undefined) call.abort(this.#closing);
    return call;
  }

  get(id: string): Call | undefined {
    return this.#byId.get(id);
  }

  /** Also those that begin later. */
  abortAll(reason: Failure): void {
    this.#closing = reason;
    for (const call of this.#running) call.abort(reason);
  }

  /** Resolves when no call is running. */
  untilIdle(): Promise<void> {
    return this.#idle.promise;
  }

  #end(kind: CallKind, id: string | undefined, call: Call, watch: SilenceWatch | undefined): void {
    if (!this.#running.delete(call)) return;
    watch?.stop();
    if (id !== undefined && this.#byId.get(id) === call) this.#byId.delete(id);
    this.#count(kind, -1);
    if (this.#running.size === 0) this.#idle.resolve();
  }

  #count(kind: CallKind, change: number): void {
    this.#counts[kind] += change;
    const { request, lineage, exec } = this.#counts;
    const isBusy = this.#running.size > 0;
    this.#onActivity({ isBusy, requests: request, lineages: lineage, execs: exec });
  }
}

export function clientVanished(): Failure {
  return new Failure({ code: "ClientVanished", category: "cancelled", message: "the client has gone" });
}

export function cancelledByClient(): Failure {
  return new Failure({ code: "Cancelled", category: "cancelled", message: "cancelled by the client" });
}

export function serverClosing(): Failure {
  return new Failure({
    code: "WorkerStopped",
    category: "environment",
    message: "the worker was stopped before it could finish",
    hint: "what was sealed is kept: start the worker and run the command again",
  });
}
