import { Failure } from "../../../diagnostics/failure.ts";
import { throwIfCancelled } from "../../../layers/cancellation.ts";
import type { LayerRecord } from "../../../layers/layer-record.ts";
import type { SealRequest } from "../../../layers/layer-store.ts";
import type { Release } from "../../../layers/lock.ts";
import type { LayerKey } from "../../../model/identifiers.ts";
import type { LineageClient, LineageRequest, LineageStep } from "../../worker.ts";
import { Builder } from "../builder/builder.ts";
import { needsOfAll, suits } from "../builder/builder-needs.ts";
import { layerSummary } from "./layer-summary.ts";
import type { LineageHost, SandboxReservation } from "./lineage-host.ts";

export interface LineageBuilderFields {
  readonly host: LineageHost;
  readonly request: LineageRequest;
  readonly client: LineageClient;
  readonly signal: AbortSignal;
  /** What the builder becomes when a step fails; null: nothing. */
  readonly reservation: SandboxReservation | null;
}

/** Steps that ran since the last seal. */
interface Unsealed {
  readonly firstIndex: number;
  readonly coveredKeys: readonly LayerKey[];
  readonly runMs: number;
  /** Variables that these steps gave values. */
  readonly outputValues: Readonly<Record<string, string>>;
}

export interface RanStep {
  readonly durationMs: number;
  /** What an `ENV --from-output` printed. */
  readonly outputValue: string | null;
}

export interface SealOptions {
  readonly valuesBelow: Readonly<Record<string, string>>;
  readonly adopt: (layer: LayerRecord) => Promise<void>;
}

/** The builder that a lineage's steps run in, one after the other: each seal may end it, and the next step starts anew. */
export class LineageBuilder {
  readonly #host: LineageHost;
  readonly #request: LineageRequest;
  readonly #client: LineageClient;
  readonly #signal: AbortSignal;
  readonly #reservation: SandboxReservation | null;
  /** To the end of the lineage, so that what a step has written into a volume is there for all that follow. */
  readonly #volumeReleases: Release[] = [];
  #builder: Builder | undefined;
  #bootMs = 0;
  #unsealed: Unsealed | undefined;

  constructor({ host, request, client, signal, reservation }: LineageBuilderFields) {
    this.#host = host;
    this.#request = request;
    this.#client = client;
    this.#signal = signal;
    this.#reservation = reservation;
  }

  /** Whether it holds steps that are in no layer yet. */
  get hasUnsealed(): boolean {
    return this.#unsealed !== undefined;
  }

  /** Run time of the steps since the last seal. */
  get unsealedRunMs(): number {
    return this.#unsealed?.runMs ?? 0;
  }

  /** Of the steps since the last seal. */
  get unsealedValues(): Readonly<Record<string, string>> {
    return this.#unsealed?.outputValues ?? {};
  }

  /** Whether the step can run in the builder that runs, if one does. */
  suits({ operation }: LineageStep): boolean {
    return this.#builder === undefined || suits(this.#builder.needs, operation);
  }

  /** Running; started over the layer when it is not, for the step and those after it. */
  async ready(index: number, parent: LayerKey | null): Promise<Builder> {
    const { steps, resources, image, diskSizeMib } = this.#request;
    if (this.#builder !== undefined) return this.#builder;
    this.#client.onEvent({ kind: "builder-starting", index });
    const startedAt = performance.now();
    const needs = needsOfAll(steps.slice(index).map(({ operation }) => operation));
    const volumes = await this.#host.holdVolumes(needs.volumes);
    this.#volumeReleases.push(volumes.release);
    const disk = await this.#host.store.createWritable({ parent, diskSizeMib });
    const scratch = needs.hasScratch
      ? await this.#host.store.createWritable({ parent: null, diskSizeMib })
      : null;
    this.#builder = await Builder.start(
      {
        microsandbox: this.#host.microsandbox,
        image: await this.#host.imageReference(image),
        disk,
        resources,
        needs,
        scratch,
        volumes: volumes.folders,
        keepAs: this.#reservation?.runtimeName ?? null,
        onStartAgain: ({ message }) => this.#client.onEvent({ kind: "builder-lost", index, message }),
      },
      this.#signal,
    );
    throwIfCancelled(this.#signal);
    this.#bootMs = performance.now() - startedAt;
    this.#client.onEvent({ kind: "builder-started", index, durationMs: this.#bootMs });
    return this.#builder;
  }

  /** Remembers that the step has run, for the next seal. */
  ran(step: LineageStep, index: number, { durationMs, outputValue }: RanStep): void {
    const { operation } = step;
    const variable = operation.kind === "run" ? operation.outputVariable : null;
    this.#unsealed = {
      firstIndex: this.#unsealed?.firstIndex ?? index,
      coveredKeys: [...(this.#unsealed?.coveredKeys ?? []), step.key],
      runMs: this.unsealedRunMs + durationMs,
      outputValues: {
        ...this.unsealedValues,
        ...(variable === null || outputValue === null ? {} : { [variable]: outputValue }),
      },
    };
  }

  /**
   * Makes what has run since the last seal a layer.
   * @param valuesBelow of the chain that it stands on
   * @param adopt takes the layer over before anything else happens
   * @throws StepRefused or `GuestFileError` when the step left no space for it, Failure
   */
  async seal(step: LineageStep, index: number, { valuesBelow, adopt }: SealOptions): Promise<void> {
    const builder = this.#builder;
    const unsealed = this.#unsealed;
    if (builder === undefined || unsealed === undefined) throw new Error("internal error: nothing to seal");
    const startedAt = performance.now();
    const outputValues = { ...valuesBelow, ...unsealed.outputValues };
    const request = {
      key: step.key,
      imageDigest: this.#request.image,
      keyRecord: step.record,
      title: step.title,
      coveredKeys: unsealed.coveredKeys.slice(0, -1),
      ...(Object.keys(outputValues).length === 0 ? {} : { outputValues }),
      durationMs: unsealed.runMs,
      signal: this.#signal,
    };
    const inPlace = (await this.#isInPlaceQuicker(index))
      ? await builder.sealInPlace(() => builder.disk.sealCopy(request))
      : undefined;
    const layer = inPlace ?? (await this.#sealShutDown(builder, request));
    this.#unsealed = undefined;
    await adopt(layer);
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

  /** Keeps the disk of the failed step, and the builder if that was asked for. Null: the disk could not be kept. */
  async endFailed(step: LineageStep): Promise<LayerKey | null> {
    const builder = this.#builder;
    if (builder === undefined) throw new Error("internal error: a step failed without a builder");
    const debugLayer = await this.#keepFailedDisk(builder, step);
    if (this.#reservation === null) {
      await this.drop();
      return debugLayer;
    }
    const { disk, needs } = builder;
    await this.#reservation.keep({ disk, operation: step.operation, volumes: needs.volumes });
    await builder.vm.disconnect();
    await builder.discardScratch();
    this.#builder = undefined;
    return debugLayer;
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

  /** Ends it with all that is in no layer yet. */
  async drop(): Promise<void> {
    const builder = this.#builder;
    this.#builder = undefined;
    this.#unsealed = undefined;
    await builder?.discard();
  }

  /** As {@link drop}, at the end of the lineage. */
  async close(): Promise<void> {
    try {
      await this.drop();
    } finally {
      for (const release of this.#volumeReleases.splice(0)) await release();
    }
  }

  /** Ends it at once; {@link drop} has to follow. */
  async kill(): Promise<void> {
    await this.#builder?.kill();
  }
}
