import { unreachable } from "../../diagnostics/unreachable.ts";
import { type LayerKey, layerKey, type StepId } from "../../model/identifiers.ts";
import type {
  CopySource,
  MountContent,
  RunMount,
  RunOperation,
  StageFiles,
  StepOperation,
} from "../../model/step-operation.ts";
import {
  type CopySourceOn,
  defaultDiskSizeMib,
  type LookedUpImage,
  type MountSource,
  type Plan,
  type PlannedStage,
  type PlannedStep,
  type PlannedTest,
  type RunDefinition,
  type StageReference,
  stageSourcesOf,
} from "../plan.ts";
import type { Hasher } from "./hash.ts";
import { keyRecord, type RecordParent, testRecord } from "./key-record.ts";
import type { KeyedPlan, KeyedStage, KeyedStep, KeyedTest, StepInputs } from "./keyed-plan.ts";

export interface KeyPlanOptions {
  readonly inputs: StepInputs;
  readonly hasher: Hasher;
  /**
   * Of `bake --no-cache`; null: the keys as they are. Layers are immutable and shared, so a step that is run again
   * cannot replace its layer: another snapshot may stand on it. Instead the bake stands on a ground of its own: a
   * random word is put into the record of each step that stands on the bare image, and so into all keys. The
   * history of the Lightfile keeps the word, so the next bake resumes or hits what the `--no-cache` bake made,
   * instead of going back to the layers that it was meant to replace. Other Lightfiles are not touched; what nobody
   * needs any more is pruned.
   */
  readonly ground: string | null;
  /** A word made for this bake alone, for steps with `--no-cache`. */
  readonly freshness: string;
}

/**
 * Gives every step its key.
 *
 * @throws Error (a bug) when inputs are missing.
 */
export function keyPlan(plan: Plan, options: KeyPlanOptions): KeyedPlan {
  const stages = new Map<number, KeyedStage>();
  for (const stage of plan.stages) stages.set(stage.index, keyStage(stage, { ...options, stages }));
  return { plan, stages: [...stages.values()] };
}

interface KeyContext extends KeyPlanOptions {
  /** The stages before, by index. */
  readonly stages: ReadonlyMap<number, KeyedStage>;
}

function keyStage(stage: PlannedStage, context: KeyContext): KeyedStage {
  const parent = stage.base.kind === "stage" ? stageAt(context, stage.base.index).lastLayer : null;
  let below: LayerKey | null = parent;
  const steps = stage.steps.map((step): KeyedStep => {
    const keyed = keyStep(step, parentRecord(stage, below, context), context);
    below = keyed.key;
    return keyed;
  });
  const end = parentRecord(stage, below, context);
  const tests = stage.tests.map((test) => keyTest(test, end, context));
  return { stage, steps, tests, parent, lastLayer: below, needs: neededStages(stage) };
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

function keyTest(test: PlannedTest, parent: RecordParent, { hasher }: KeyContext): KeyedTest {
  const record = testRecord(parent, test);
  return { test, key: hasher.hashText(record), record };
}

function parentRecord(stage: PlannedStage, below: LayerKey | null, { ground }: KeyContext): RecordParent {
  if (below !== null) return { kind: "layer", key: below };
  return { kind: "image", digest: stage.image.digest, diskSizeMib: stage.resources.diskSizeMib, ground };
}

function toOperation(step: PlannedStep, context: KeyContext): StepOperation {
  const { definition } = step;
  switch (definition.kind) {
    case "run":
      return toRunOperation(step, definition, context);
    case "copy": {
      const source = toCopySource(step.id, definition.source, context);
      return { ...definition, source };
    }
    case "make-directories":
      return definition;
    default:
      return unreachable(definition);
  }
}

function toRunOperation(
  { id }: PlannedStep,
  definition: RunDefinition<LookedUpImage>,
  context: KeyContext,
): RunOperation {
  const { proxies, runsAlways, mounts, ...rest } = definition;
  const shownOfContext = (context.inputs.get(id) ?? []).values();
  const toContent = (source: MountSource<LookedUpImage>): MountContent => {
    if (source.kind !== "context") {
      return { kind: "stage", ...stageFiles(source, context), path: source.path };
    }
    const { value } = shownOfContext.next();
    if (value === undefined) throw new Error(`internal error: no inputs for a mount of step ${id}`);
    return { kind: "context", source: value };
  };
  return {
    ...rest,
    environment: { ...proxies, ...definition.environment },
    mounts: mounts.map((mount): RunMount => {
      if (mount.kind === "bind") return { ...mount, content: toContent(mount.content) };
      if (mount.kind === "cache")
        return { ...mount, seed: mount.seed === null ? null : toContent(mount.seed) };
      return mount;
    }),
    freshness: runsAlways ? context.freshness : null,
  };
}

function toCopySource(id: StepId, source: CopySourceOn<LookedUpImage>, context: KeyContext): CopySource {
  if (source.kind === "context") {
    const sources = context.inputs.get(id);
    if (sources === undefined) throw new Error(`internal error: no inputs for step ${id}`);
    return { kind: "context", sources };
  }
  const { paths, excludes, keepsParents, ifExists } = source;
  return { kind: "stage", ...stageFiles(source, context), paths, excludes, keepsParents, ifExists };
}

function stageFiles(source: StageReference<LookedUpImage>, context: KeyContext): StageFiles {
  if (source.kind === "image") {
    return { layer: null, imageDigest: source.image.digest, diskSizeMib: defaultDiskSizeMib };
  }
  const { stage, lastLayer } = stageAt(context, source.index);
  return {
    layer: lastLayer,
    imageDigest: stage.image.digest,
    diskSizeMib: stage.resources.diskSizeMib,
  };
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
    for (const source of stageSourcesOf(definition)) {
      if (source.kind === "stage") needed.add(source.index);
    }
  }
  return [...needed].sort((left, right) => left - right);
}
