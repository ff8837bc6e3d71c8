import * as v from "valibot";
import type { LineageEvent, LineageOutcome, LineageRequest } from "../worker.ts";
import { type Describes, everySchemaDescribesItsType } from "./describes.ts";
import { operationSchema } from "./operation-schema.ts";
import { amount, list, positive } from "./schema-parts.ts";
import { layerKeySchema, layerSummarySchema, resources, sha256Schema } from "./schemas.ts";
import { wireFailureSchema } from "./wire-failure.ts";

export const lineageRequestSchema = v.object({
  image: sha256Schema,
  diskSizeMib: positive,
  parent: v.nullable(layerKeySchema),
  steps: list(
    v.object({ key: layerKeySchema, record: v.string(), title: v.string(), operation: operationSchema }),
  ),
  resources: v.object(resources),
  checkpoint: v.picklist(["every", "auto", "final"]),
  keepFailedBuilderAs: v.nullable(v.string()),
});

const index = amount;

const lineageEventSchema = v.variant("kind", [
  v.object({ kind: v.literal("step-reused"), index, layer: layerSummarySchema }),
  v.object({ kind: v.literal("waiting-for-other-bake"), index }),
  v.object({ kind: v.literal("builder-starting"), index }),
  v.object({ kind: v.literal("builder-started"), index, durationMs: amount }),
  v.object({ kind: v.literal("builder-lost"), index, message: v.string() }),
  v.object({ kind: v.literal("step-started"), index }),
  v.object({
    kind: v.literal("step-output"),
    index,
    stream: v.picklist(["stdout", "stderr"]),
    text: v.string(),
  }),
  v.object({ kind: v.literal("step-completed"), index, durationMs: amount }),
  v.object({
    kind: v.literal("layer-sealed"),
    firstIndex: index,
    index,
    layer: layerSummarySchema,
    sealMs: amount,
  }),
]);

const lineageOutcomeSchema = v.variant("kind", [
  v.object({ kind: v.literal("completed"), layer: layerKeySchema }),
  v.object({
    kind: v.literal("step-failed"),
    index,
    reason: v.variant("kind", [
      v.object({ kind: v.literal("exit"), exitCode: v.pipe(v.number(), v.integer()) }),
      v.object({
        kind: v.literal("refused"),
        code: v.string(),
        message: v.string(),
        hint: v.nullable(v.string()),
      }),
    ]),
    debugLayer: v.nullable(layerKeySchema),
    keptBuilder: v.nullable(v.string()),
  }),
]);

/** One line of a lineage's response. `beat` only says that the server is still there. */
export const lineageLineSchema = v.union([
  v.object({ event: lineageEventSchema }),
  v.object({ beat: v.literal(true) }),
  v.object({ outcome: lineageOutcomeSchema }),
  v.object({ error: wireFailureSchema }),
]);

export type LineageLine = v.InferOutput<typeof lineageLineSchema>;

everySchemaDescribesItsType<
  [
    Describes<typeof lineageRequestSchema, LineageRequest>,
    Describes<typeof lineageEventSchema, LineageEvent>,
    Describes<typeof lineageOutcomeSchema, LineageOutcome>,
  ]
>();
