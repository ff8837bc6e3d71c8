import type { KeyedBake, LookedUp } from "./keyed-bake.ts";
import { isHit } from "./layer-lookup.ts";
import { planLineages } from "./lineages.ts";
import { outputValuesOf, withOutputValues } from "./output-values.ts";
import { isSameSnapshot } from "./publish.ts";
import { allSteps } from "./worker-answer.ts";

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
