import { Failure } from "../../../diagnostics/failure.ts";
import { cancelled, throwIfCancelled } from "../../../layers/cancellation.ts";
import type { LayerRecord } from "../../../layers/layer-record.ts";
import type { Release } from "../../../layers/lock.ts";
import type { LayerKey } from "../../../model/identifiers.ts";
import type {
  LineageClient,
  LineageOutcome,
  LineageRequest,
  LineageStep,
  StepFailure,
} from "../../worker.ts";
import { LineageStageReaders } from "../copy/stage-readers.ts";
import { stepRefusal } from "../guest/step-refused.ts";
import { Attempts } from "./attempts.ts";
import { shouldSeal } from "./checkpoint-policy.ts";
import { layerSummary } from "./layer-summary.ts";
import { LineageBuilder, type LineageBuilderFields } from "./lineage-builder.ts";
import type { LineageHost, SandboxReservation } from "./lineage-host.ts";
import { LineageLocks } from "./lineage-locks.ts";
import { furthestSealed, type SealedStep, stepAt } from "./lineage-steps.ts";
import { startStep } from "./start-step.ts";

/** A microVM may be lost to the host's trouble; one that is lost again and again is the step's doing. */
const toleratedLosses = 2;

/** Runs a lineage's missing steps in a builder and seals their layers. See `Worker.runLineage`. */
export async function runLineage(
  host: LineageHost,
  request: LineageRequest,
  client: LineageClient,
  signal: AbortSignal,
): Promise<LineageOutcome> {
  const reservation =
    request.keepFailedBuilderAs === null ? null : await host.reserveSandbox(request.keepFailedBuilderAs);
  const lineage = new Lineage({ host, request, client, signal, reservation });
  try {
    return await lineage.run();
  } catch (error) {
    if (signal.aborted) throw cancelled(signal);
    throw error;
  } finally {
    await lineage.cleanUp();
    await reservation?.release();
  }
}

class Lineage {
  readonly #host: LineageHost;
  readonly #request: LineageRequest;
  readonly #client: LineageClient;
  readonly #signal: AbortSignal;
  readonly #reservation: SandboxReservation | null;
  readonly #builder: LineageBuilder;
  readonly #locks: LineageLocks;
  readonly #stages: LineageStageReaders;
  readonly #holds: Release[] = [];
  readonly #onAbort = () => {
    // The clean-up that follows waits for the same end and reports what goes wrong with it.
    this.#builder.kill().catch(() => undefined);
  };
  /** The newest sealed layer. */
  #tip: LayerKey | null;
  /** Index of the first step after the tip. */
  #firstUnsealed = 0;
  /** Values of variables that steps up to the tip gave. */
  #valuesOfTip: Readonly<Record<string, string>> = {};
  #losses = 0;

  constructor(fields: LineageBuilderFields) {
    this.#host = fields.host;
    this.#request = fields.request;
    this.#client = fields.client;
    this.#signal = fields.signal;
    this.#reservation = fields.reservation;
    this.#builder = new LineageBuilder(fields);
    this.#locks = new LineageLocks(fields.host.store);
    this.#stages = new LineageStageReaders(fields.host, fields.signal);
    this.#tip = fields.request.parent;
  }

  async run(): Promise<LineageOutcome> {
    const { steps } = this.#request;
    this.#signal.addEventListener("abort", this.#onAbort, { once: true });
    if (this.#tip !== null) {
      await this.#hold(this.#tip);
      this.#valuesOfTip = (await this.#host.store.get(this.#tip)).outputValues ?? {};
    }
    let next = await this.#takeNext(0);
    let from = next;
    while (next < steps.length) {
      try {
        // More than one step only after the loss of a builder that held unsealed ones, whose locks are held still.
        for (let index = from; index <= next; index++) {
          const failure = await this.#runAndSeal(stepAt(steps, index), index);
          if (failure !== undefined) return await this.#fail(stepAt(steps, index), index, failure);
        }
      } catch (error) {
        from = await this.#startAgain(error, next);
        continue;
      }
      next = await this.#takeNext(next + 1);
      from = next;
    }
    if (this.#tip === null) throw new Error("internal error: a lineage without steps and parent");
    return { kind: "completed", layer: this.#tip };
  }

  async cleanUp(): Promise<void> {
    this.#signal.removeEventListener("abort", this.#onAbort);
    try {
      await this.#builder.close();
    } finally {
      await this.#stages[Symbol.asyncDispose]();
      await this.#locks[Symbol.asyncDispose]();
      for (const release of this.#holds.splice(0)) await release();
    }
  }

  async #runAndSeal(step: LineageStep, index: number): Promise<StepFailure | undefined> {
    return (
      (await this.#makeWay(step, index)) ??
      (await this.#runStep(step, index)) ??
      (await this.#sealIfDue(step, index))
    );
  }

  /**
   * Seals what has run when the step cannot go on from it: because it needs a builder that was started in another way,
   * or because it may have to be started again, from files as it found them.
   */
  async #makeWay(step: LineageStep, index: number): Promise<StepFailure | undefined> {
    const isSuited = this.#builder.suits(step);
    const maySeveralStart = step.operation.kind === "run" && step.operation.retries > 0;
    if (this.#builder.hasUnsealed && (!isSuited || maySeveralStart)) {
      const failure = await this.#seal(stepAt(this.#request.steps, index - 1), index - 1);
      if (failure !== undefined) return failure;
    }
    if (!isSuited) await this.#builder.drop();
    return undefined;
  }

  /** After the loss of a builder: the first step that is in no layer. Anything else, or one loss too many, is thrown. */
  async #startAgain(error: unknown, index: number): Promise<number> {
    const isLoss = error instanceof Failure && error.code === "MicroVmLost";
    if (!isLoss || this.#signal.aborted || this.#losses >= toleratedLosses) throw error;
    this.#losses += 1;
    this.#client.onEvent({ kind: "builder-lost", index, message: error.message });
    await this.#builder.drop();
    await this.#stages.close();
    // It may have been lost after its layer was sealed.
    const sealed = await this.#furthestSealed(this.#firstUnsealed);
    if (sealed === undefined) return this.#firstUnsealed;
    await this.#reuse(sealed.index, sealed.layer);
    return sealed.index + 1;
  }

  /** Takes the step's lock; returns the index of the first step at or after it that has to be run. */
  async #takeNext(index: number): Promise<number> {
    const { steps } = this.#request;
    for (let next = index; ; ) {
      throwIfCancelled(this.#signal);
      const reused = await this.#furthestSealed(next);
      if (reused !== undefined) {
        await this.#reuse(reused.index, reused.layer);
        next = reused.index + 1;
      }
      if (next >= steps.length) return next;
      const { key } = stepAt(steps, next);
      const waitedFor = next;
      await this.#locks.take(key, this.#signal, () => {
        this.#client.onEvent({ kind: "waiting-for-other-bake", index: waitedFor });
      });
      if (!this.#builder.hasUnsealed) await this.#locks.releaseEarlier();
      // Before the lock was free, another bake may have made the layer: look again.
      if ((await this.#furthestSealed(next)) === undefined) return next;
    }
  }

  #furthestSealed(from: number): Promise<SealedStep | undefined> {
    return furthestSealed(this.#host.store, this.#request.steps, from);
  }

  async #reuse(index: number, layer: LayerRecord): Promise<void> {
    await this.#hold(layer.key);
    // What the builder has run since the last seal is in the found layer as well.
    await this.#builder.drop();
    this.#tip = layer.key;
    this.#firstUnsealed = index + 1;
    this.#valuesOfTip = layer.outputValues ?? {};
    await this.#host.store.touch(layer.key);
    this.#client.onEvent({ kind: "step-reused", index, layer: layerSummary(layer) });
  }

  async #runStep(step: LineageStep, index: number): Promise<StepFailure | undefined> {
    const startedAt = performance.now();
    const starts = step.operation.kind === "run" ? step.operation.retries + 1 : 1;
    const attempts = new Attempts(starts);
    for (;;) {
      const builder = await this.#builder.ready(index, this.#tip);
      const result = await startStep(step, builder, {
        index,
        attempts,
        host: this.#host,
        stages: this.#stages,
        client: this.#client,
        signal: this.#signal,
        outputValues: { ...this.#valuesOfTip, ...this.#builder.unsealedValues },
      });
      if (result.failure === null) {
        const durationMs = performance.now() - startedAt;
        this.#client.onEvent({ kind: "step-completed", index, durationMs });
        if (index < this.#request.steps.length - 1) await builder.restoreRuntimeFiles();
        await this.#stages.keepFor(this.#request.steps.slice(index + 1).map(({ operation }) => operation));
        this.#builder.ran(step, index, { durationMs, outputValue: result.outputValue });
        return undefined;
      }
      if (!attempts.next(result.failure)) return result.failure;
      // The next one finds the files as this one found them.
      await this.#builder.drop();
    }
  }

  async #sealIfDue(step: LineageStep, index: number): Promise<StepFailure | undefined> {
    const due = shouldSeal({
      policy: this.#request.checkpoint,
      unsealedRunMs: this.#builder.unsealedRunMs,
      sealCostMs: this.#host.sealCost.milliseconds,
      isLastStep: index === this.#request.steps.length - 1,
    });
    return due ? this.#seal(step, index) : undefined;
  }

  /** A step that leaves no space to seal it has failed. */
  async #seal(step: LineageStep, index: number): Promise<StepFailure | undefined> {
    try {
      await this.#builder.seal(step, index, {
        valuesBelow: this.#valuesOfTip,
        adopt: async ({ key, outputValues }) => {
          this.#tip = key;
          this.#firstUnsealed = index + 1;
          this.#valuesOfTip = outputValues ?? {};
          await this.#hold(key);
        },
      });
      return undefined;
    } catch (error) {
      const refusal = stepRefusal(error);
      if (refusal === undefined) throw error;
      return refusal;
    }
  }

  async #fail(step: LineageStep, index: number, reason: StepFailure): Promise<LineageOutcome> {
    const debugLayer = await this.#builder.endFailed(step);
    return { kind: "step-failed", index, reason, debugLayer, keptBuilder: this.#reservation?.name ?? null };
  }

  async #hold(key: LayerKey): Promise<void> {
    this.#holds.push(await this.#host.store.hold(key, { kind: "process", pid: process.pid }));
  }
}
