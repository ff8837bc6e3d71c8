import * as v from "valibot";
import { isLayerKey, isSha256Digest, type LayerKey, type Sha256Digest } from "../model/identifiers.ts";

/** Version of `layer.json` and `debug.json`; a layer with another version counts as not found. */
export const layerRecordVersion = 1;

/** What is known of a disk that a step left: one of a layer or of a failure. */
interface DiskRecord {
  readonly version: typeof layerRecordVersion;
  /** Of the step that left it. */
  readonly key: LayerKey;
  /** The layer that the disk's backing file belongs to (null: the blank disk); the header follows it. */
  readonly parent: LayerKey | null;
  /** Random, made with the record: a rerun of the same step makes other bytes under the same key. */
  readonly instance: string;
  /** Instance of the parent (or blank) whose bytes the disk was cut against; no other may stand in for it. */
  readonly parentInstance: string;
  readonly imageDigest: Sha256Digest;
  readonly diskSizeMib: number;
  /** The instruction as written, for people. */
  readonly title: string;
  /** Bytes that the files beside the record take on disk. */
  readonly sizeBytes: number;
  /** Length of `disk.qcow2`; another length means that the file was cut or written to. */
  readonly diskLengthBytes: number;
}

/**
 * `layers/<key>/layer.json`: what a sealed layer is. A layer covers one step, or several that ran after one
 * another and were sealed together; only the last step's key names it.
 */
export interface LayerRecord extends DiskRecord {
  /** The canonical key record, compared on a hit. */
  readonly keyRecord: string;
  /** Keys of earlier steps that are in this layer too and have none of their own; oldest first. */
  readonly coveredKeys: readonly LayerKey[];
  /**
   * What `ENV --from-output` steps of the chain printed, by variable, newest last: of this layer's steps and all below
   * it. Absent: there are none.
   */
  readonly outputValues?: Readonly<Record<string, string>>;
  readonly durationMs: number;
  /** ISO 8601 */
  readonly sealedAt: string;
}

/** `debug/<key>.<random>/debug.json`: the disk of a step that failed. */
export interface DebugLayerRecord extends DiskRecord {
  /** ISO 8601 */
  readonly createdAt: string;
}

export const layerKeySchema = v.custom<LayerKey>(
  (input) => typeof input === "string" && isLayerKey(input),
  "not a layer key",
);
export const imageDigestSchema = v.custom<Sha256Digest>(
  (input) => typeof input === "string" && isSha256Digest(input),
  "not a SHA-256 digest",
);
export const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const sizeMibSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

const diskFields = {
  version: v.literal(layerRecordVersion),
  key: layerKeySchema,
  parent: v.nullable(layerKeySchema),
  instance: v.string(),
  parentInstance: v.string(),
  imageDigest: imageDigestSchema,
  diskSizeMib: sizeMibSchema,
  title: v.string(),
  sizeBytes: countSchema,
  diskLengthBytes: countSchema,
};

export const layerRecordSchema: v.GenericSchema<unknown, LayerRecord> = v.object({
  ...diskFields,
  keyRecord: v.string(),
  coveredKeys: v.array(layerKeySchema),
  outputValues: v.exactOptional(v.record(v.string(), v.string())),
  durationMs: v.pipe(v.number(), v.minValue(0)),
  sealedAt: v.string(),
});

export const debugLayerRecordSchema: v.GenericSchema<unknown, DebugLayerRecord> = v.object({
  ...diskFields,
  createdAt: v.string(),
});
