import type { LayerKey } from "../model/identifiers.ts";
import type { KeyedBake } from "./keyed-bake.ts";
import { isHit, type KnownLayer } from "./layer-lookup.ts";
import { type PlannedWork, planLineages } from "./lineages.ts";
import { outputValuesOf, withOutputValues } from "./output-values.ts";
import { isSameSnapshot } from "./publish.ts";
import { allSteps } from "./worker-answer.ts";

export interface LookedUp {
  readonly work: PlannedWork;
  readonly layers: ReadonlyMap<LayerKey, KnownLayer>;
  /** There is nothing to run, to test and to publish. */
  readonly isAll: boolean;
}

/** What is known without the worker. */
export async function lookUp({
  keyed,
  collaborators,
  index,
  publication,
  tests,
}: KeyedBake): Promise<LookedUp> {
  const lookup = collaborators.localLayers ?? index;
  const layers = await lookup.findLayers(allSteps(keyed).map((step) => step.key));
  const work = planLineages(keyed, (step) => isHit(step, layers.get(step.key)));
  if (work.lineages.length > 0 || tests.pending.length > 0) return { work, layers, isAll: false };
  if (publication === null) return { work, layers, isAll: true };
  const snapshot = await lookup.findSnapshot(publication.name);
  const values = outputValuesOf(publication.layer, layers);
  return { work, layers, isAll: isSameSnapshot(snapshot, withOutputValues(publication, values)) };
}
