import * as v from "valibot";
import type { BaseImage } from "../model/base-image.ts";
import type { LayerKey } from "../model/identifiers.ts";
import type { SandboxConfiguration } from "../model/sandbox-configuration.ts";
import { configurationSchema } from "../model/sandbox-configuration-schema.ts";
import { imageDigestSchema, layerKeySchema } from "./layer-record.ts";

/** Version of the files in `snapshots/`. */
export const snapshotDocumentVersion = 1;

export interface SnapshotHistoryEntry {
  readonly title: string;
  /** Null for an instruction that changes no file. */
  readonly layer: LayerKey | null;
}

/** `snapshots/<name>.json`: a name for a last layer and the configuration that goes with it. */
export interface SnapshotDocument {
  readonly version: typeof snapshotDocumentVersion;
  readonly name: string;
  /** Null: nothing changed over the image. */
  readonly layer: LayerKey | null;
  readonly image: BaseImage;
  readonly diskSizeMib: number;
  readonly configuration: SandboxConfiguration;
  /** Oldest first, base image left out. */
  readonly history: readonly SnapshotHistoryEntry[];
  /** ISO 8601 */
  readonly createdAt: string;
}

const imageSchema: v.GenericSchema<unknown, BaseImage> = v.object({
  reference: v.string(),
  digest: imageDigestSchema,
  platform: v.string(),
  configuration: configurationSchema,
});

export const snapshotDocumentSchema: v.GenericSchema<unknown, SnapshotDocument> = v.object({
  version: v.literal(snapshotDocumentVersion),
  name: v.string(),
  layer: v.nullable(layerKeySchema),
  image: imageSchema,
  diskSizeMib: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  configuration: configurationSchema,
  history: v.array(v.object({ title: v.string(), layer: v.nullable(layerKeySchema) })),
  createdAt: v.string(),
});
