import { Failure } from "../diagnostics/failure.ts";
import type { KeyedPlan, KeyedStage } from "../graph/keys/keyed-plan.ts";
import type { LayerKey } from "../model/identifiers.ts";
import type { HistoryEntry, PublishRequest, SnapshotInspection, Worker } from "../worker/worker.ts";
import { type KnownSnapshot, snapshotFingerprint } from "./layer-lookup.ts";

/** What the target is, published under `name`. */
export function publishRequest(keyed: KeyedPlan, name: string): PublishRequest {
  const target = stageAt(keyed, keyed.plan.target);
  const { image, configuration, resources } = target.stage;
  return {
    name,
    layer: target.lastLayer,
    image,
    diskSizeMib: resources.diskSizeMib,
    configuration,
    history: historyOf(keyed, target),
  };
}

/** Oldest first: the stages below the target, then its own instructions. */
function historyOf(keyed: KeyedPlan, stage: KeyedStage): readonly HistoryEntry[] {
  const { base, history } = stage.stage;
  const below = base.kind === "stage" ? historyOf(keyed, stageAt(keyed, base.index)) : [];
  const layers = new Map(stage.steps.map(({ step, key }) => [step.id, key]));
  const own = history.map(({ title, step }) => ({
    title,
    layer: step === null ? null : (layers.get(step) ?? null),
  }));
  return [...below, ...own];
}

export function stageAt(keyed: KeyedPlan, index: number): KeyedStage {
  const stage = keyed.stages.find((candidate) => candidate.stage.index === index);
  if (stage === undefined) throw new Error(`internal error: stage ${index} is not in the plan`);
  return stage;
}

export function isSameSnapshot(known: KnownSnapshot | undefined, request: PublishRequest): boolean {
  return known?.fingerprint === snapshotFingerprint(request) && known.layer === request.layer;
}

export interface Published {
  /** False when the name already stood for this. */
  readonly moved: boolean;
  readonly previous: LayerKey | null;
}

/** Points the name at the target unless it does already: publishing again would overwrite `NAME@previous`. */
export async function publishTarget(
  worker: Worker,
  request: PublishRequest,
  signal: AbortSignal,
): Promise<Published> {
  const current = await findSnapshot(worker, request.name, signal);
  const previous = current?.layer ?? null;
  const known = current && { layer: current.layer, fingerprint: snapshotFingerprint(current) };
  if (isSameSnapshot(known, request)) return { moved: false, previous };
  await worker.publishSnapshot(request, signal);
  return { moved: true, previous };
}

async function findSnapshot(
  worker: Worker,
  name: string,
  signal: AbortSignal,
): Promise<SnapshotInspection | undefined> {
  try {
    return await worker.inspectSnapshot(name, signal);
  } catch (error) {
    if (error instanceof Failure && error.code === "UnknownSnapshot") return undefined;
    throw error;
  }
}
