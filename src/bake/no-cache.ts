import * as v from "valibot";
import { canonicalJson, type JsonValue } from "../graph/canonical-json.ts";
import type { Hasher } from "../graph/hash.ts";
import type { KeyedPlan, KeyedStage, KeyedStep } from "../graph/keyed-plan.ts";
import { type LayerKey, layerKey } from "../model/identifiers.ts";
import type { StepOperation } from "../model/step-operation.ts";

/**
 * `--no-cache`. Layers are immutable and shared, so a step that is run again cannot replace its layer: another
 * snapshot may stand on it. Instead the bake stands on a ground of its own: a random word, the *ground*, is put
 * into the record of each step that stands on the bare image, and so into all keys. The history of the Lightfile
 * keeps the word, so the next bake resumes or hits what the `--no-cache` bake made, instead of going back to the
 * layers that it was meant to replace. Other Lightfiles are not touched; what nobody needs any more is pruned.
 */
export function standOnGround(keyed: KeyedPlan, ground: string, hasher: Hasher): KeyedPlan {
  const moved = new Map<LayerKey, LayerKey>();
  const stages = keyed.stages.map((stage) => moveStage(stage, { ground, hasher, moved }));
  return { plan: keyed.plan, stages };
}

interface Move {
  readonly ground: string;
  readonly hasher: Hasher;
  /** New key by old key, of the steps so far. */
  readonly moved: Map<LayerKey, LayerKey>;
}

function moveStage(stage: KeyedStage, move: Move): KeyedStage {
  const steps = stage.steps.map((step) => moveStep(step, move));
  return {
    ...stage,
    steps,
    parent: stage.parent === null ? null : newKey(stage.parent, move),
    lastLayer: stage.lastLayer === null ? null : newKey(stage.lastLayer, move),
  };
}

function moveStep(step: KeyedStep, move: Move): KeyedStep {
  const record = moveRecord(step.record, move);
  const key = layerKey(move.hasher.hashText(record));
  move.moved.set(step.key, key);
  return { ...step, key, record, operation: moveOperation(step.operation, move) };
}

const anyMembers = v.record(v.string(), v.unknown());
const recordSchema = v.looseObject({
  parent: v.union([v.looseObject({ layer: v.string() }), v.looseObject({ image: v.string() })]),
  operation: v.looseObject({ source: v.optional(anyMembers) }),
});

function moveRecord(record: string, move: Move): string {
  const parsed = v.parse(recordSchema, JSON.parse(record));
  const { parent, operation } = parsed;
  const newParent =
    "layer" in parent && typeof parent.layer === "string"
      ? { ...parent, layer: newKey(layerKey(parent.layer), move) }
      : { ...parent, ground: move.ground };
  const source = operation.source;
  const newOperation =
    typeof source?.layer === "string"
      ? { ...operation, source: { ...source, layer: newKey(layerKey(source.layer), move) } }
      : operation;
  return canonicalJson(asJson({ ...parsed, parent: newParent, operation: newOperation }));
}

/** What `JSON.parse` gave is JSON, whatever its type says after the schema. */
function asJson(value: unknown): JsonValue {
  if (value === null) return null;
  switch (typeof value) {
    case "string":
    case "number":
    case "boolean":
      return value;
    case "object":
      if (Array.isArray(value)) return value.map(asJson);
      return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, asJson(member)]));
    default:
      throw new Error(`internal error: a ${typeof value} in a key record`);
  }
}

function moveOperation(operation: StepOperation, move: Move): StepOperation {
  if (operation.kind !== "copy" || operation.source.kind !== "stage" || operation.source.layer === null) {
    return operation;
  }
  return {
    ...operation,
    source: { ...operation.source, layer: newKey(operation.source.layer, move) },
  };
}

function newKey(old: LayerKey, move: Move): LayerKey {
  const key = move.moved.get(old);
  if (key === undefined) throw new Error(`internal error: layer ${old} is used before its step`);
  return key;
}
