import type { KeyedPlan, KeyedStep } from "../graph/keys/keyed-plan.ts";
import { stageSourcesOf } from "../graph/plan.ts";
import type { BaseImage } from "../model/base-image.ts";
import type { LayerKey, Sha256Digest } from "../model/identifiers.ts";
import type { Worker, WorkerDescription } from "../worker/worker.ts";
import { type KnownLayer, knownLayer } from "./layer-lookup.ts";
import type { Lineage } from "./lineages.ts";
import { stageAt } from "./publish.ts";
import type { WorkerIndex } from "./worker-index.ts";

/** What the worker holds of a plan, from the worker itself. */
export interface WorkerState {
  readonly description: WorkerDescription;
  readonly layers: ReadonlyMap<LayerKey, KnownLayer>;
  readonly images: ReadonlySet<Sha256Digest>;
}

/** Asks once for all that the plan names, and rewrites the index with the answer. */
export async function askWorker(
  worker: Worker,
  { keyed, index }: { readonly keyed: KeyedPlan; readonly index: WorkerIndex },
  signal: AbortSignal,
): Promise<WorkerState> {
  // First: what is removed after this raises the generation, so an index that holds it is found out next time.
  const description = await worker.describe(signal);
  const keys = allSteps(keyed).map((step) => step.key);
  const digests = [...new Set(allImages(keyed).map((image) => image.digest))];
  const [summaries, images] = await Promise.all([
    worker.findLayers(keys, signal),
    worker.findImages(digests, signal),
  ]);
  const layers = new Map([...summaries].map(([key, summary]) => [key, knownLayer(summary)]));
  index.learn({ worker: description, asked: keys, layers: [...layers.values()] });
  await index.save();
  return { description, layers, images };
}

export function allSteps(keyed: KeyedPlan): readonly KeyedStep[] {
  return keyed.stages.flatMap((stage) => stage.steps);
}

function allImages(keyed: KeyedPlan): readonly BaseImage[] {
  return keyed.stages.flatMap((stage) => [stage.stage.image, ...stage.steps.flatMap(copiedImages(keyed))]);
}

/** The images that have to be on the worker for these lineages and, when it is published, for the target. */
export function imagesFor(
  keyed: KeyedPlan,
  lineages: readonly Lineage[],
  publishes: boolean,
): ReadonlyMap<Sha256Digest, BaseImage> {
  const images = [
    ...lineages.flatMap(({ stage, steps }) => [stage.stage.image, ...steps.flatMap(copiedImages(keyed))]),
    ...(publishes ? [stageAt(keyed, keyed.plan.target).stage.image] : []),
  ];
  return new Map(images.map((image) => [image.digest, image]));
}

/** The images below what a `--from` reads. */
function copiedImages(keyed: KeyedPlan): (step: KeyedStep) => readonly BaseImage[] {
  return ({ step: { definition } }) => {
    return stageSourcesOf(definition).map((source) =>
      source.kind === "image" ? source.image : stageAt(keyed, source.index).stage.image,
    );
  };
}
