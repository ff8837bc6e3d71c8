import { unreachable } from "../diagnostics/unreachable.ts";
import { type LayerKey, layerKey } from "../model/identifiers.ts";
import type { CopySource, StepOperation } from "../model/step-operation.ts";
import type { Hasher } from "./hash.ts";
import { keyRecord, type RecordParent } from "./key-record.ts";
import type { KeyedPlan, KeyedStage, KeyedStep, StepInputs } from "./keyed-plan.ts";
import { defaultDiskSizeMib, type Plan, type PlannedStage, type PlannedStep } from "./plan.ts";

/**
 * Gives every step its key. `inputs` has the selected files of each COPY from the context.
 *
 * @throws Error (a bug) when inputs are missing.
 */
export function keyPlan(plan: Plan, inputs: StepInputs, hasher: Hasher): KeyedPlan {
  const stages = new Map<number, KeyedStage>();
  for (const stage of plan.stages) stages.set(stage.index, keyStage(stage, { inputs, hasher, stages }));
  return { plan, stages: [...stages.values()] };
}

interface KeyContext {
  readonly inputs: StepInputs;
  readonly hasher: Hasher;
  /** The stages before, by index. */
  readonly stages: ReadonlyMap<number, KeyedStage>;
}

function keyStage(stage: PlannedStage, context: KeyContext): KeyedStage {
  const parent = stage.base.kind === "stage" ? stageAt(context, stage.base.index).lastLayer : null;
  let below: LayerKey | null = parent;
  const steps = stage.steps.map((step): KeyedStep => {
    const keyed = keyStep(step, parentRecord(stage, below), context);
    below = keyed.key;
    return keyed;
  });
  return { stage, steps, parent, lastLayer: below, needs: neededStages(stage) };
}

function keyStep(step: PlannedStep, parent: RecordParent, context: KeyContext): KeyedStep {
  const operation = toOperation(step, context);
  const proxies = step.definition.kind === "run" ? (step.definition.proxies ?? {}) : {};
  const record = keyRecord({
    parent,
    operation,
    outsideKey: new Set(Object.keys(proxies)),
    hasher: context.hasher,
  });
  return { step, key: layerKey(context.hasher.hashText(record)), record, operation };
}

function parentRecord(stage: PlannedStage, below: LayerKey | null): RecordParent {
  if (below !== null) return { kind: "layer", key: below };
  return { kind: "image", digest: stage.image.digest, diskSizeMib: stage.resources.diskSizeMib };
}

function toOperation(step: PlannedStep, context: KeyContext): StepOperation {
  const { definition } = step;
  switch (definition.kind) {
    case "run": {
      const { proxies, ...rest } = definition;
      return { ...rest, environment: { ...proxies, ...definition.environment } };
    }
    case "copy":
      return { ...definition, source: toCopySource(step, context) };
    case "make-directories":
      return definition;
    default:
      return unreachable(definition);
  }
}

function toCopySource(step: PlannedStep, context: KeyContext): CopySource {
  if (step.definition.kind !== "copy") throw new Error(`internal error: ${step.id} copies nothing`);
  const { source } = step.definition;
  switch (source.kind) {
    case "context": {
      const sources = context.inputs.get(step.id);
      if (sources === undefined) throw new Error(`internal error: no inputs for step ${step.id}`);
      return { kind: "context", sources };
    }
    case "stage": {
      const { stage, lastLayer } = stageAt(context, source.index);
      return {
        kind: "stage",
        layer: lastLayer,
        imageDigest: stage.image.digest,
        diskSizeMib: stage.resources.diskSizeMib,
        paths: source.paths,
      };
    }
    case "image":
      return {
        kind: "stage",
        layer: null,
        imageDigest: source.image.digest,
        diskSizeMib: defaultDiskSizeMib,
        paths: source.paths,
      };
    default:
      return unreachable(source);
  }
}

function stageAt(context: KeyContext, index: number): KeyedStage {
  const stage = context.stages.get(index);
  if (stage === undefined) throw new Error(`internal error: stage ${index} is not planned before its use`);
  return stage;
}

/** The stages that have to be there before this one's steps run, ascending. */
export function neededStages(stage: PlannedStage): readonly number[] {
  const needed = new Set<number>();
  if (stage.base.kind === "stage") needed.add(stage.base.index);
  for (const { definition } of stage.steps) {
    if (definition.kind === "copy" && definition.source.kind === "stage") needed.add(definition.source.index);
  }
  return [...needed].sort((left, right) => left - right);
}
