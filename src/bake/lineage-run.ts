import type { Readable } from "node:stream";
import { Failure } from "../diagnostics/failure.ts";
import { positionAt } from "../diagnostics/source-file.ts";
import { unreachable } from "../diagnostics/unreachable.ts";
import type { KeyedStep } from "../graph/keys/keyed-plan.ts";
import type { ContentDigest } from "../model/identifiers.ts";
import type {
  CheckpointPolicy,
  LayerSummary,
  LineageEvent,
  LineageOutcome,
  LineageRequest,
  SshAgents,
  Worker,
} from "../worker/worker.ts";
import type { BakeProgress } from "./bake-progress.ts";
import type { ClientSecrets } from "./client-secrets.ts";
import type { StepFailed } from "./events.ts";
import { failureHint } from "./failure-hint.ts";
import { OutputTail } from "./output-tail.ts";
import type { ScheduledLineage } from "./scheduler.ts";

export interface LineageRunOptions {
  readonly worker: Worker;
  readonly progress: BakeProgress;
  /** Path of the Lightfile that is baked, as the user typed it. */
  readonly lightfile: string;
  readonly checkpoint: CheckpointPolicy;
  /** Name for the sandbox of a failed step's builder; null: it is not kept. */
  readonly keepFailedBuilderAs: string | null;
  openContent(digest: ContentDigest): Promise<Readable>;
  readonly secrets: ClientSecrets;
  readonly sshAgents: SshAgents | undefined;
  /** Told of every layer that the worker holds from now on. */
  onLayer(layer: LayerSummary): void;
}

/**
 * Runs one lineage and turns what the worker says of it into the bake's events.
 * @returns the failure of a step, or undefined when all steps are there now
 * @throws Failure `LayerKeyCollision`, and what `Worker.runLineage` throws
 */
export async function runLineage(
  scheduled: ScheduledLineage,
  options: LineageRunOptions,
  signal: AbortSignal,
): Promise<StepFailed | undefined> {
  const report = new LineageReport(scheduled.lineage.steps, options);
  const outcome = await options.worker.runLineage(
    lineageRequest(scheduled, options),
    {
      onEvent: (event) => report.take(event),
      openContent: (digest) => options.openContent(digest),
      readSecret: async (id) => options.secrets.get(id) ?? null,
      ...(options.sshAgents === undefined ? {} : { sshAgents: options.sshAgents }),
    },
    signal,
  );
  return report.finish(outcome);
}

function lineageRequest(
  { lineage, resources }: ScheduledLineage,
  { checkpoint, keepFailedBuilderAs }: LineageRunOptions,
): LineageRequest {
  const { stage } = lineage.stage;
  return {
    image: stage.image.digest,
    diskSizeMib: stage.resources.diskSizeMib,
    parent: lineage.parent,
    steps: lineage.steps.map(({ key, record, operation, step }) => ({
      key,
      record,
      operation,
      title: step.title,
    })),
    resources,
    checkpoint,
    keepFailedBuilderAs,
  };
}

/** XXH64 is fast, not collision-proof: a layer of another step must not be taken for this one's. */
function keyCollision({ key }: LayerSummary): Failure {
  return new Failure({
    code: "LayerKeyCollision",
    category: "environment",
    message: `the store has another step's layer under the key ${key}`,
    hint: "remove it with `lightbox prune`, or change the step in any way",
  });
}

class LineageReport {
  readonly #steps: readonly KeyedStep[];
  readonly #options: LineageRunOptions;
  readonly #tails = new Map<number, OutputTail>();
  #collision: LayerSummary | null = null;

  constructor(steps: readonly KeyedStep[], options: LineageRunOptions) {
    this.#steps = steps;
    this.#options = options;
  }

  take(event: LineageEvent): void {
    const { progress } = this.#options;
    const { id: step } = this.#step(event.index).step;
    switch (event.kind) {
      case "step-reused":
        this.#reuse(event.index, event.layer);
        break;
      case "waiting-for-other-bake":
        progress.emit({ kind: "step-waiting", step, reason: "other-bake" });
        break;
      case "builder-starting":
      case "step-started":
        progress.emit({ kind: event.kind, step });
        break;
      case "builder-started":
      case "step-completed":
        progress.emit({ kind: event.kind, step, durationMs: event.durationMs });
        break;
      case "builder-lost":
        progress.emit({ kind: "builder-lost", step, message: event.message });
        break;
      case "step-output":
        this.#tail(event.index).add(event.stream, event.text);
        progress.emit({ kind: "step-output", step, stream: event.stream, text: event.text });
        break;
      case "layer-sealed":
        this.#sealed(event);
        break;
      default:
        unreachable(event);
    }
  }

  /** The layer stands for all steps up to `index` that this lineage has not run itself. */
  #reuse(index: number, layer: LayerSummary): void {
    const { progress, onLayer } = this.#options;
    if (layer.record !== this.#step(index).record) {
      this.#collision = layer;
      return;
    }
    for (const [position, { step }] of this.#steps.slice(0, index + 1).entries()) {
      if (!progress.isOpen(step.id)) continue;
      const savedMs = position === index ? layer.durationMs : 0;
      progress.emit({
        kind: "step-cached",
        step: step.id,
        layer: layer.key,
        savedMs,
        source: "other-bake",
      });
    }
    onLayer(layer);
  }

  #sealed(event: Extract<LineageEvent, { kind: "layer-sealed" }>): void {
    const { progress, onLayer } = this.#options;
    progress.emit({
      kind: "layer-sealed",
      steps: this.#steps.slice(event.firstIndex, event.index + 1).map(({ step }) => step.id),
      layer: event.layer.key,
      sizeBytes: event.layer.sizeBytes,
      durationMs: event.sealMs,
    });
    onLayer(event.layer);
  }

  /** @throws Failure `LayerKeyCollision` */
  finish(outcome: LineageOutcome): StepFailed | undefined {
    if (this.#collision !== null) throw keyCollision(this.#collision);
    switch (outcome.kind) {
      case "completed":
        return undefined;
      case "step-failed": {
        const { step, operation } = this.#step(outcome.index);
        const command = operation.kind === "run" ? operation.command : null;
        const outputTail = this.#tail(outcome.index).lines();
        const failure: StepFailed = {
          kind: "step-failed",
          step: step.id,
          title: step.title,
          reason: outcome.reason,
          hint: failureHint({ reason: outcome.reason, command, outputTail }),
          outputTail,
          lightfile: this.#options.lightfile,
          file: step.source.path,
          position: positionAt(step.source, step.range.start),
          debugLayer: outcome.debugLayer,
          keptBuilder: outcome.keptBuilder,
        };
        this.#options.progress.emit(failure);
        return failure;
      }
      default:
        return unreachable(outcome);
    }
  }

  #tail(index: number): OutputTail {
    const known = this.#tails.get(index);
    if (known !== undefined) return known;
    // Steps of a lineage run one after another: only the last one's output can still be asked for.
    this.#tails.clear();
    const tail = new OutputTail();
    this.#tails.set(index, tail);
    return tail;
  }

  #step(index: number): KeyedStep {
    const step = this.#steps[index];
    if (step === undefined) throw new Error(`internal error: the lineage has no step ${index}`);
    return step;
  }
}
