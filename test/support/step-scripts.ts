import type { Failure } from "../../src/diagnostics/failure.ts";
import type { StepFailure } from "../../src/worker/worker.ts";
import { cancelled } from "./fake-worker-abort.ts";

/** What a step with a certain title does in a {@link FakeWorker}; nothing said means: it succeeds at once. */
export interface StepScript {
  /** Chunks of standard output, in order, before the step ends. */
  readonly output?: Iterable<string>;
  readonly errorOutput?: Iterable<string>;
  /** Not 0: the step fails. */
  readonly exitCode?: number;
  readonly refuse?: Omit<Extract<StepFailure, { kind: "refused" }>, "kind">;
  /** Trouble that is nobody's step's fault: `runLineage` rejects with it. */
  readonly trouble?: Failure;
  readonly sizeBytes?: number;
}

/** A step that stops, after its output, until it is released. */
export interface StepHold {
  /** Resolves when the step has got there. */
  readonly reached: Promise<void>;
  release(): void;
}

interface Gate {
  readonly reached: PromiseWithResolvers<void>;
  readonly released: PromiseWithResolvers<void>;
}

/** What a test says about steps, by title. */
export class StepScripts {
  readonly #scripts = new Map<string, StepScript>();
  readonly #gates = new Map<string, Gate>();
  readonly #started = new Map<string, PromiseWithResolvers<void>>();

  set(title: string, script: StepScript): void {
    this.#scripts.set(title, script);
  }

  get(title: string): StepScript {
    return this.#scripts.get(title) ?? {};
  }

  hold(title: string): StepHold {
    const gate: Gate = { reached: Promise.withResolvers(), released: Promise.withResolvers() };
    this.#gates.set(title, gate);
    return { reached: gate.reached.promise, release: () => gate.released.resolve() };
  }

  /** Resolves when a step of the title has started, also when it did so before the call. */
  started(title: string): Promise<void> {
    return this.#startOf(title).promise;
  }

  markStarted(title: string): void {
    this.#startOf(title).resolve();
  }

  /** @throws Failure of category `cancelled` when the signal aborts first. */
  async passGate(title: string, signal: AbortSignal): Promise<void> {
    const gate = this.#gates.get(title);
    if (gate === undefined) return;
    gate.reached.resolve();
    await cancelled.unless(gate.released.promise, signal);
  }

  #startOf(title: string): PromiseWithResolvers<void> {
    const known = this.#started.get(title);
    if (known !== undefined) return known;
    const start = Promise.withResolvers<void>();
    this.#started.set(title, start);
    return start;
  }
}
