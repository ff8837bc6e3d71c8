import { Failure } from "../../diagnostics/failure.ts";
import { unreachable } from "../../diagnostics/unreachable.ts";
import { cancelled, throwIfCancelled } from "../../layers/cancellation.ts";
import type { LayerRecord } from "../../layers/layer-record.ts";
import type { LayerLog, LayerStore, SealRequest, WritableDisk } from "../../layers/layer-store.ts";
import type { Release } from "../../layers/lock.ts";
import type { LayerKey } from "../../model/identifiers.ts";
import type { NetworkAccess, StepOperation } from "../../model/step-operation.ts";
import type { LineageClient, LineageOutcome, LineageRequest, LineageStep, StepFailure } from "../worker.ts";
import { Builder } from "./builder.ts";
import { shouldSeal } from "./checkpoint-policy.ts";
import { copyStep } from "./copy-step.ts";
import { ensureWorkingDirectories } from "./guest-directories.ts";
import { layerSummary } from "./layer-summary.ts";
import { LineageLocks } from "./lineage-locks.ts";
import type { Microsandbox } from "./microsandbox.ts";
import { runStep } from "./run-step.ts";
import type { SealCost } from "./seal-cost.ts";
import { stepRefusal } from "./step-refused.ts";
import { refuseUnsupported } from "./unsupported-operation.ts";

export interface LineageHost {
  readonly microsandbox: Microsandbox;
  readonly store: LayerStore;
  readonly sealCost: SealCost;
  /** How quickly a layer is cut out of a builder that stays up; 0: it starts anew after every seal. */
  readonly copiedBytesPerMs: number;
  /** The reference under which microsandbox has an image. @throws Failure `ImageMissing` */
  imageReference(digest: string): Promise<string>;
  /** A name and folder under which a failed builder can be kept. @throws Failure `SandboxExists` */
  reserveSandbox(name: string): Promise<SandboxReservation>;
}

/** A sandbox's name, taken before there is a sandbox. */
export interface SandboxReservation {
  readonly name: string;
  readonly runtimeName: string;
  /** Makes the running microVM with that disk a sandbox of that name. */
  keep(builder: KeptBuilder): Promise<void>;
  /** Gives the name back, unless it was kept. */
  release(): Promise<void>;
}

export interface KeptBuilder {
  readonly disk: WritableDisk;
  /** What the failed step ran with. */
  readonly operation: StepOperation;
}

/** Steps that ran since the last seal. */
interface Unsealed {
  readonly firstIndex: number;
  readonly coveredKeys: readonly LayerKey[];
  readonly runMs: number;
}

/** Runs a lineage's missing steps in a builder and seals their layers. See `Worker.runLineage`. */
export async function runLineage(
  host: LineageHost,
  request: LineageRequest,
  client: LineageClient,
  signal: AbortSignal,
): Promise<LineageOutcome> {
  const reservation =
    request.keepFailedBuilderAs === null ? null : await host.reserveSandbox(request.keepFailedBuilderAs);
  const lineage = new Lineage(host, request, client, signal, reservation);
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
  readonly #locks: LineageLocks;
  readonly #holds: Release[] = [];
  readonly #onAbort = () => {
    // The clean-up that follows waits for the same end and reports what goes wrong with it.
    this.#builder?.kill().catch(() => undefined);
  };
  #builder: Builder | undefined;
  #bootMs = 0;
  /** The newest sealed layer. */
  #tip: LayerKey | null;
  #unsealed: Unsealed | undefined;

  constructor(
    host: LineageHost,
    request: LineageRequest,
    client: LineageClient,
    signal: AbortSignal,
    reservation: SandboxReservation | null,
  ) {
    this.#host = host;
    this.#request = request;
    this.#client = client;
    this.#signal = signal;
    this.#reservation = reservation;
    this.#locks = new LineageLocks(host.store);
    this.#tip = request.parent;
  }

  async run(): Promise<LineageOutcome> {
    const { steps } = this.#request;
    this.#signal.addEventListener("abort", this.#onAbort, { once: true });
    if (this.#tip !== null) await this.#hold(this.#tip);
    let index = await this.#takeNext(0);
    while (index < steps.length) {
      const step = stepAt(steps, index);
      const failure = await this.#runStep(step, index);
      if (failure !== undefined) return this.#fail(step, index, failure);
      const sealFailure = await this.#sealIfDue(step, index);
      if (sealFailure !== undefined) return this.#fail(step, index, sealFailure);
      index = await this.#takeNext(index + 1);
    }
    if (this.#tip === null) throw new Error("internal error: a lineage without steps and parent");
    return { kind: "completed", layer: this.#tip };
  }

  async cleanUp(): Promise<void> {
    this.#signal.removeEventListener("abort", this.#onAbort);
    try {
      await this.#dropBuilder();
    } finally {
      await this.#locks[Symbol.asyncDispose]();
      for (const release of this.#holds.splice(0)) await release();
    }
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
      if (this.#unsealed === undefined) await this.#locks.releaseEarlier();
      // Before the lock was free, another bake may have made the layer: look again.
      if ((await this.#furthestSealed(next)) === undefined) return next;
    }
  }

  async #furthestSealed(from: number): Promise<{ index: number; layer: LayerRecord } | undefined> {
    const { steps } = this.#request;
    const found = await this.#host.store.find(steps.slice(from).map(({ key }) => key));
    for (let index = steps.length - 1; index >= from; index--) {
      const step = stepAt(steps, index);
      const layer = found.get(step.key);
      if (layer === undefined) continue;
      if (layer.keyRecord !== step.record) throw keyCollision(step);
      return { index, layer };
    }
    return undefined;
  }

  async #reuse(index: number, layer: LayerRecord): Promise<void> {
    await this.#hold(layer.key);
    // What the builder has run since the last seal is in the found layer as well.
    await this.#dropBuilder();
    this.#tip = layer.key;
    await this.#host.store.touch(layer.key);
    this.#client.onEvent({ kind: "step-reused", index, layer: layerSummary(layer) });
  }

  async #runStep(step: LineageStep, index: number): Promise<StepFailure | undefined> {
    const builder = await this.#builderFor(index);
    const log = await builder.disk.openLog(step.key);
    const startedAt = performance.now();
    this.#client.onEvent({ kind: "step-started", index });
    try {
      const failure = await this.#carryOut(builder, step, index, log);
      if (failure !== undefined) return failure;
    } catch (error) {
      if (this.#signal.aborted) throw cancelled(this.#signal);
      const refusal = stepRefusal(error);
      if (refusal === undefined) throw error;
      if (refusal.kind === "refused") log.write(`lightbox: ${refusal.message}\n`);
      return refusal;
    } finally {
      await log.close();
    }
    throwIfCancelled(this.#signal);
    const durationMs = performance.now() - startedAt;
    this.#client.onEvent({ kind: "step-completed", index, durationMs });
    this.#unsealed = {
      firstIndex: this.#unsealed?.firstIndex ?? index,
      coveredKeys: [...(this.#unsealed?.coveredKeys ?? []), step.key],
      runMs: (this.#unsealed?.runMs ?? 0) + durationMs,
    };
    return undefined;
  }

  async #carryOut(
    builder: Builder,
    { operation }: LineageStep,
    index: number,
    log: LayerLog,
  ): Promise<StepFailure | undefined> {
    refuseUnsupported(operation);
    switch (operation.kind) {
      case "run":
        return runStep(builder.vm, operation, (stream, text) => {
          log.write(text);
          this.#client.onEvent({ kind: "step-output", index, stream, text });
        });
      case "copy":
        await copyStep(this.#host, builder.vm, operation, this.#client, this.#signal);
        return undefined;
      case "make-directories":
        await ensureWorkingDirectories(builder.vm.files, operation.directories);
        return undefined;
      default:
        return unreachable(operation);
    }
  }

  /** A step that leaves no space to seal it has failed. */
  async #sealIfDue(step: LineageStep, index: number): Promise<StepFailure | undefined> {
    const due = shouldSeal({
      policy: this.#request.checkpoint,
      unsealedRunMs: this.#unsealed?.runMs ?? 0,
      sealCostMs: this.#host.sealCost.milliseconds,
      isLastStep: index === this.#request.steps.length - 1,
    });
    if (!due) return undefined;
    try {
      await this.#seal(step, index);
      return undefined;
    } catch (error) {
      const refusal = stepRefusal(error);
      if (refusal === undefined) throw error;
      return refusal;
    }
  }

  async #seal(step: LineageStep, index: number): Promise<void> {
    const builder = this.#builder;
    const unsealed = this.#unsealed;
    if (builder === undefined || unsealed === undefined) throw new Error("internal error: nothing to seal");
    const startedAt = performance.now();
    const request = {
      key: step.key,
      imageDigest: this.#request.image,
      keyRecord: step.record,
      title: step.title,
      coveredKeys: unsealed.coveredKeys.slice(0, -1),
      durationMs: unsealed.runMs,
      signal: this.#signal,
    };
    const inPlace = (await this.#isInPlaceQuicker(index))
      ? await builder.sealInPlace(() => builder.disk.sealCopy(request))
      : undefined;
    const layer = inPlace ?? (await this.#sealShutDown(builder, request));
    this.#unsealed = undefined;
    this.#tip = layer.key;
    await this.#hold(layer.key);
    const sealMs = performance.now() - startedAt;
    // After the last step nothing is booted again, and the end of the builder had to be paid anyway.
    if (index < this.#request.steps.length - 1) {
      await this.#host.sealCost.record(inPlace === undefined ? sealMs + this.#bootMs : sealMs);
    }
    this.#client.onEvent({
      kind: "layer-sealed",
      firstIndex: unsealed.firstIndex,
      index,
      layer: layerSummary(layer),
      sealMs,
    });
  }

  async #isInPlaceQuicker(index: number): Promise<boolean> {
    const isLast = index === this.#request.steps.length - 1;
    if (isLast || this.#builder === undefined) return false;
    return (await this.#builder.writtenBytes()) < this.#host.copiedBytesPerMs * this.#bootMs;
  }

  async #sealShutDown(builder: Builder, request: SealRequest): Promise<LayerRecord> {
    await builder.shutDown();
    throwIfCancelled(this.#signal);
    const layer = await builder.disk.seal(request);
    this.#builder = undefined;
    return layer;
  }

  async #builderFor(index: number): Promise<Builder> {
    const { steps, resources, image, diskSizeMib } = this.#request;
    if (this.#builder !== undefined) return this.#builder;
    this.#client.onEvent({ kind: "builder-starting", index });
    const startedAt = performance.now();
    const disk = await this.#host.store.createWritable({
      parent: this.#tip,
      diskSizeMib,
    });
    this.#builder = await Builder.start(
      {
        microsandbox: this.#host.microsandbox,
        image: await this.#host.imageReference(image),
        disk,
        resources,
        network: networkFor(steps.slice(index)),
        keepAs: this.#reservation?.runtimeName ?? null,
      },
      this.#signal,
    );
    throwIfCancelled(this.#signal);
    this.#bootMs = performance.now() - startedAt;
    this.#client.onEvent({ kind: "builder-started", index, durationMs: this.#bootMs });
    return this.#builder;
  }

  /** Keeps the disk of the failed step, and the builder if that was asked for. */
  async #fail(step: LineageStep, index: number, reason: StepFailure): Promise<LineageOutcome> {
    const builder = this.#builder;
    if (builder === undefined) throw new Error("internal error: a step failed without a builder");
    const reservation = this.#reservation;
    const debugLayer = await this.#keepFailedDisk(builder, step);
    if (reservation === null) await this.#dropBuilder();
    else {
      await reservation.keep({ disk: builder.disk, operation: step.operation });
      await builder.vm.disconnect();
      this.#builder = undefined;
    }
    return { kind: "step-failed", index, reason, debugLayer, keptBuilder: reservation?.name ?? null };
  }

  /** Null when it cannot be kept: that must not hide why the step failed. */
  async #keepFailedDisk(builder: Builder, step: LineageStep): Promise<LayerKey | null> {
    const request = { key: step.key, imageDigest: this.#request.image, title: step.title };
    try {
      if (this.#reservation !== null) {
        await builder.flush();
        await builder.disk.copyAsDebug(request);
      } else {
        await builder.quiesce();
        await builder.kill();
        await builder.disk.sealAsDebug(request);
      }
      return step.key;
    } catch (error) {
      if (error instanceof Failure && error.category === "environment") return null;
      throw error;
    }
  }

  async #dropBuilder(): Promise<void> {
    const builder = this.#builder;
    this.#builder = undefined;
    this.#unsealed = undefined;
    await builder?.discard();
  }

  async #hold(key: LayerKey): Promise<void> {
    this.#holds.push(await this.#host.store.hold(key, { kind: "process", pid: process.pid }));
  }
}

/** A builder has a network unless every step that follows wants none. */
function networkFor(steps: readonly LineageStep[]): NetworkAccess {
  const everyRunWantsNone = steps.every(
    ({ operation }) => operation.kind !== "run" || operation.network === "none",
  );
  return everyRunWantsNone ? "none" : "default";
}

function stepAt(steps: readonly LineageStep[], index: number): LineageStep {
  const step = steps[index];
  if (step === undefined) throw new Error(`internal error: no step ${index} in the lineage`);
  return step;
}

function keyCollision(step: LineageStep): Failure {
  return new Failure({
    code: "LayerKeyCollision",
    category: "environment",
    message: `the store holds another layer under the key ${step.key} of ${step.title}`,
    hint: "remove it with `lightbox prune`, or change the step in any way",
  });
}
