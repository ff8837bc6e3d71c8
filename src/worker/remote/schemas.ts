import * as v from "valibot";
import type { BaseImage } from "../../model/base-image.ts";
import {
  type ContentDigest,
  isContentDigest,
  isLayerKey,
  isSha256Digest,
  type LayerKey,
  type Sha256Digest,
} from "../../model/identifiers.ts";
import type { SandboxConfiguration } from "../../model/sandbox-configuration.ts";
import { configurationSchema } from "../../model/sandbox-configuration-schema.ts";
import type {
  DebugLayer,
  ExecExit,
  ExecRequest,
  LaunchRequest,
  LayerSummary,
  PruneReport,
  PruneRequest,
  PublishRequest,
  SandboxDescription,
  SnapshotDescription,
  SnapshotInspection,
  VolumeDescription,
  VolumeRequest,
  WorkerDescription,
} from "../worker.ts";
import { type Describes, everySchemaDescribesItsType } from "./describes.ts";
import { networkSchema } from "./operation-schema.ts";
import { amount, list, positive, textMap } from "./schema-parts.ts";

/*
 * Everything that arrives over the network is read with one of these (and, for lineages, of lineage-schemas.ts), at
 * both ends. At the end of the file the compiler checks that each describes exactly its type in worker.ts.
 */

export const layerKeySchema = v.custom<LayerKey>((value) => typeof value === "string" && isLayerKey(value));
export const contentDigestSchema = v.custom<ContentDigest>(
  (value) => typeof value === "string" && isContentDigest(value),
);
export const sha256Schema = v.custom<Sha256Digest>(
  (value) => typeof value === "string" && isSha256Digest(value),
);

export const baseImageSchema = v.object({
  reference: v.string(),
  digest: sha256Schema,
  platform: v.string(),
  configuration: configurationSchema,
});

export const descriptionSchema = v.object({
  storeId: v.string(),
  generation: amount,
  version: v.string(),
  protocol: amount,
  platform: v.string(),
  cpus: positive,
  memoryMib: positive,
});

export const layerSummarySchema = v.object({
  key: layerKeySchema,
  record: v.string(),
  outputValues: textMap,
  sizeBytes: amount,
  sealedAt: v.string(),
  durationMs: amount,
});

export const resources = { cpus: positive, memoryMib: positive };

const snapshotSource = {
  layer: v.nullable(layerKeySchema),
  image: baseImageSchema,
  diskSizeMib: positive,
  configuration: configurationSchema,
};

const history = list(v.object({ title: v.string(), layer: v.nullable(layerKeySchema) }));

export const publishRequestSchema = v.object({ ...snapshotSource, name: v.string(), history });

const snapshotDescription = {
  name: v.string(),
  layer: v.nullable(layerKeySchema),
  imageReference: v.string(),
  imageDigest: sha256Schema,
  createdAt: v.string(),
  sizeBytes: amount,
};

export const snapshotDescriptionSchema = v.object(snapshotDescription);
export const snapshotInspectionSchema = v.object({ ...snapshotDescription, ...snapshotSource, history });

export const debugLayerSchema = v.object({
  layer: layerKeySchema,
  failedStep: v.string(),
  createdAt: v.string(),
});

export const volumeRequestSchema = v.object({ name: v.string(), labels: textMap });

export const volumeSchema = v.object({
  name: v.string(),
  labels: textMap,
  createdAt: v.string(),
  sizeBytes: amount,
});

export const pruneRequestSchema = v.object({
  keepStorageBytes: v.nullable(amount),
  olderThanMs: v.nullable(amount),
  dryRun: v.boolean(),
});

export const pruneReportSchema = v.object({
  layers: list(v.object({ key: layerKeySchema, title: v.string(), sizeBytes: amount })),
  caches: list(v.object({ id: v.string(), sizeBytes: amount })),
  freedBytes: amount,
  keptBytes: amount,
});

const port = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65535));

const portMappingSchema = v.object({
  hostAddress: v.string(),
  hostPort: port,
  guestPort: port,
  protocol: v.picklist(["tcp", "udp"]),
});

const mount = { guestPath: v.string(), readOnly: v.boolean() };

export const launchRequestSchema = v.object({
  name: v.string(),
  from: v.variant("kind", [
    v.object({ kind: v.literal("snapshot"), name: v.string() }),
    v.object({ kind: v.literal("layer"), ...snapshotSource }),
    v.object({ kind: v.literal("debug"), layer: layerKeySchema }),
  ]),
  resources: v.object({
    cpus: v.exactOptional(resources.cpus),
    memoryMib: v.exactOptional(resources.memoryMib),
  }),
  environment: textMap,
  workingDirectory: v.nullable(v.string()),
  user: v.nullable(v.string()),
  ports: list(portMappingSchema),
  mounts: list(
    v.variant("kind", [
      v.object({ kind: v.literal("bind"), hostPath: v.string(), ...mount }),
      v.object({ kind: v.literal("volume"), volume: v.string(), ...mount }),
    ]),
  ),
  replace: v.boolean(),
  network: networkSchema,
  idleTimeoutSeconds: v.nullable(amount),
});

export const sandboxSchema = v.object({
  name: v.string(),
  status: v.picklist(["running", "stopped", "crashed"]),
  snapshot: v.nullable(v.string()),
  createdAt: v.string(),
  ports: list(portMappingSchema),
  configuration: configurationSchema,
});

const terminalSide = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65535));

const execRequestSchema = v.object({
  sandbox: v.string(),
  argv: list(v.string()),
  environment: textMap,
  workingDirectory: v.nullable(v.string()),
  user: v.nullable(v.string()),
  terminal: v.nullable(v.object({ rows: terminalSide, columns: terminalSide })),
  detachedOutput: v.nullable(v.string()),
});

/** First frame of an exec connection. */
export const execOpeningSchema = v.object({
  request: execRequestSchema,
  hasStdin: v.boolean(),
  hasResizes: v.boolean(),
});

export type ExecOpening = v.InferOutput<typeof execOpeningSchema>;

everySchemaDescribesItsType<
  [
    Describes<typeof configurationSchema, SandboxConfiguration>,
    Describes<typeof baseImageSchema, BaseImage>,
    Describes<typeof descriptionSchema, WorkerDescription>,
    Describes<typeof layerSummarySchema, LayerSummary>,
    Describes<typeof publishRequestSchema, PublishRequest>,
    Describes<typeof snapshotDescriptionSchema, SnapshotDescription>,
    Describes<typeof snapshotInspectionSchema, SnapshotInspection>,
    Describes<typeof debugLayerSchema, DebugLayer>,
    Describes<typeof volumeRequestSchema, VolumeRequest>,
    Describes<typeof volumeSchema, VolumeDescription>,
    Describes<typeof pruneRequestSchema, PruneRequest>,
    Describes<typeof pruneReportSchema, PruneReport>,
    Describes<typeof launchRequestSchema, LaunchRequest>,
    Describes<typeof sandboxSchema, SandboxDescription>,
    Describes<typeof execRequestSchema, ExecRequest>,
    Describes<v.ObjectSchema<{ exitCode: v.NumberSchema<undefined> }, undefined>, ExecExit>,
  ]
>();
