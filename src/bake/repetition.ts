import { BakeProgress } from "./bake-progress.ts";
import type { BakeEvent } from "./events.ts";
import type { BakeHistory } from "./history.ts";
import { type KeyedBake, nothingToDo } from "./keyed-bake.ts";
import { lookUp } from "./look-up.ts";
import { planTests } from "./tests.ts";

/** Tells `onRepeatable`, where somebody listens, what the same bake would say now. */
export async function tellRepetition(bake: KeyedBake, history: BakeHistory): Promise<void> {
  const { collaborators, index, request, keyed, progress } = bake;
  if (collaborators.onRepeatable === undefined) return;
  const ownEvidence = bake.evidence();
  if (ownEvidence === null) return;
  const tests = planTests(keyed, { index, noCache: request.noCache });
  const known = await lookUp({ ...bake, tests });
  if (!known.isAll) return;
  const events: BakeEvent[] = progress.beginning.flatMap(asRepeated);
  const silent = new BakeProgress({ ...collaborators, onEvent: (event) => events.push(event) });
  nothingToDo({ ...bake, tests, progress: silent }, known);
  const lookup = collaborators.localLayers ?? index;
  const ofLayers = lookup.evidence([...known.layers.keys()]);
  // Only the index knows of TESTs that passed.
  const ofTests = tests.remembered.length === 0 ? [] : index.evidence();
  const evidence = [...ownEvidence, ...history.evidence(), ...ofLayers, ...ofTests];
  collaborators.onRepeatable({ evidence, events });
}

/** An image that was asked for, or fetched, is known the next time. */
function asRepeated(event: BakeEvent): readonly BakeEvent[] {
  switch (event.kind) {
    case "base-resolved":
      return [{ ...event, remembered: true }];
    case "base-progress":
    case "base-retrying":
      return [];
    default:
      return [event];
  }
}
