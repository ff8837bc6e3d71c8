import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { StepId } from "../model/identifiers.ts";
import type { BakeCollaborators } from "./bake-request.ts";
import type { BakeCompleted, BakeEvent, BakeEventBody } from "./events.ts";
import { locateDiagnostic } from "./located-diagnostic.ts";

/** The one place that a bake's events go through: stamps the time and keeps count. */
export class BakeProgress {
  readonly #collaborators: Pick<BakeCollaborators, "onEvent" | "now">;
  readonly #startedAt: number;
  /** Steps that are to run and have neither completed nor failed. */
  readonly #open = new Set<StepId>();
  readonly #built = new Set<StepId>();
  readonly #cached = new Set<StepId>();
  readonly #diagnostics: Diagnostic[] = [];
  /** Up to the plan, with it. */
  readonly #beginning: BakeEvent[] = [];
  #cachedCount = 0;
  #passedTestCount = 0;
  readonly #ran = new Set<StepId>();
  #savedMs = 0;

  constructor(collaborators: Pick<BakeCollaborators, "onEvent" | "now">) {
    this.#collaborators = collaborators;
    this.#startedAt = collaborators.now();
  }

  emit(event: BakeEventBody): void {
    this.#count(event);
    const stamped = { ...event, at: this.#collaborators.now() };
    if (this.#beginning.at(-1)?.kind !== "planned") this.#beginning.push(stamped);
    this.#collaborators.onEvent(stamped);
  }

  /** What was said until the plan was made: a bake that plans the same begins with the same. */
  get beginning(): readonly BakeEvent[] {
    return this.#beginning;
  }

  #count(event: BakeEventBody): void {
    switch (event.kind) {
      case "step-queued":
        this.#open.add(event.step);
        break;
      case "layer-sealed":
        for (const step of event.steps) this.#built.add(step);
        break;
      case "step-cached":
        if (event.source !== "not-needed") this.#built.add(event.step);
        this.#cached.add(event.step);
        this.#open.delete(event.step);
        this.#cachedCount += 1;
        this.#savedMs += event.savedMs;
        break;
      case "step-completed":
        this.#open.delete(event.step);
        // A set, because the loss of a builder makes a step run again.
        this.#ran.add(event.step);
        break;
      case "test-passed":
        this.#passedTestCount += 1;
        break;
      case "step-failed":
      case "step-cancelled":
        this.#open.delete(event.step);
        break;
      default:
    }
  }

  /** The steps that have their layers: cached ones, and those that were sealed. */
  get built(): ReadonlySet<StepId> {
    return this.#built;
  }

  /** Whether nothing more will be said of the step: it was cached, or its layer was sealed. */
  isSettled(step: StepId): boolean {
    return this.#cached.has(step) || this.#built.has(step);
  }

  isOpen(step: StepId): boolean {
    return this.#open.has(step);
  }

  /** All that was reported so far. */
  get diagnostics(): readonly Diagnostic[] {
    return this.#diagnostics;
  }

  report(diagnostics: readonly Diagnostic[]): void {
    this.#diagnostics.push(...diagnostics);
    for (const diagnostic of diagnostics) {
      this.emit({ kind: "diagnostic", diagnostic: locateDiagnostic(diagnostic) });
    }
  }

  /** Says of every step that was still to run or running that it was stopped. */
  cancelOpenSteps(): void {
    for (const step of [...this.#open]) this.emit({ kind: "step-cancelled", step });
  }

  now(): number {
    return this.#collaborators.now();
  }

  counts() {
    return {
      cachedCount: this.#cachedCount,
      ranCount: this.#ran.size,
      passedTestCount: this.#passedTestCount,
      savedMs: this.#savedMs,
      durationMs: this.now() - this.#startedAt,
    };
  }

  complete(outcome: BakeCompleted["outcome"], snapshot: string | null): void {
    this.emit({ kind: "bake-completed", outcome, ...this.counts(), snapshot });
  }
}
