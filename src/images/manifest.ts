import * as v from "valibot";
import { Failure } from "../diagnostics/failure.ts";
import { isSha256Digest, type Sha256Digest } from "../model/identifiers.ts";
import { imageCorrupt, noMatchingPlatform } from "./image-failures.ts";
import { formatPlatform, type Platform, platformMatches } from "./platform.ts";

/** Media types of the OCI image specification 1.1 and of Docker's manifest schema 2. */
export const mediaTypes = {
  ociIndex: "application/vnd.oci.image.index.v1+json",
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociConfig: "application/vnd.oci.image.config.v1+json",
  ociLayer: "application/vnd.oci.image.layer.v1.tar",
  ociLayerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  ociLayerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  dockerIndex: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
} as const;

/** Larger manifests and configs are refused: they are read into memory. */
export const maximumManifestBytes = 4 * 1024 * 1024;
export const maximumConfigBytes = 8 * 1024 * 1024;
/** Larger layers are refused. */
export const maximumLayerBytes = 32 * 1024 ** 3;

const digestSchema = v.custom<Sha256Digest>(
  (input) => typeof input === "string" && isSha256Digest(input),
  "not a SHA-256 digest",
);
const sizeSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const platformSchema = v.object({
  os: v.string(),
  architecture: v.string(),
  variant: v.nullish(v.string()),
});
const descriptorSchema = v.object({
  mediaType: v.nullish(v.string()),
  digest: digestSchema,
  size: sizeSchema,
  platform: v.nullish(platformSchema),
  annotations: v.nullish(v.record(v.string(), v.string())),
});
const indexSchema = v.object({ manifests: v.pipe(v.array(descriptorSchema), v.maxLength(10_000)) });
const manifestSchema = v.object({
  config: descriptorSchema,
  layers: v.pipe(v.array(descriptorSchema), v.maxLength(1_000)),
});
const kindSchema = v.object({ schemaVersion: v.number(), mediaType: v.nullish(v.string()) });

const strings = v.nullish(v.array(v.string()));
const presence = v.nullish(v.record(v.string(), v.unknown()));
const nanoseconds = v.nullish(v.pipe(v.number(), v.minValue(0)));
const configSchema = v.object({
  os: v.nullish(v.string()),
  architecture: v.nullish(v.string()),
  variant: v.nullish(v.string()),
  rootfs: v.object({ diff_ids: v.array(digestSchema) }),
  config: v.nullish(
    v.object({
      Env: strings,
      WorkingDir: v.nullish(v.string()),
      User: v.nullish(v.string()),
      Entrypoint: strings,
      Cmd: strings,
      Shell: strings,
      Labels: v.nullish(v.record(v.string(), v.string())),
      ExposedPorts: presence,
      Volumes: presence,
      StopSignal: v.nullish(v.string()),
      OnBuild: strings,
      /** Docker's, not OCI's; times in nanoseconds. */
      Healthcheck: v.nullish(
        v.object({
          Test: strings,
          Interval: nanoseconds,
          Timeout: nanoseconds,
          StartPeriod: nanoseconds,
          StartInterval: nanoseconds,
          Retries: v.nullish(v.pipe(v.number(), v.minValue(0))),
        }),
      ),
    }),
  ),
});

/** A pointer to a blob, and what it says about it. */
export interface Descriptor {
  readonly mediaType: string | null;
  readonly digest: Sha256Digest;
  readonly sizeBytes: number;
  readonly platform: Platform | null;
  readonly annotations: Readonly<Record<string, string>>;
}

/** One image for one platform. */
export interface ImageManifest {
  readonly kind: "manifest";
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** The same image for several platforms, or several images. */
export interface ImageIndex {
  readonly kind: "index";
  readonly manifests: readonly Descriptor[];
}

/** The parts of an image's config that lightbox reads; see the OCI image specification, config.md. */
export type ImageConfig = v.InferOutput<typeof configSchema>;

/**
 * Reads a manifest or index. `what` names it in messages.
 * @throws Failure `ImageCorrupt`, `UnsupportedImageFormat`
 */
export function parseManifest(bytes: Uint8Array, what: string): ImageManifest | ImageIndex {
  const json = parseJson(bytes, what);
  const kind = checked(kindSchema, json, what);
  if (kind.schemaVersion !== 2) {
    throw new Failure({
      code: "UnsupportedImageFormat",
      category: "usage",
      message: `${what} has a manifest of version ${kind.schemaVersion}; lightbox reads version 2`,
      hint: "push the image again with a current tool",
    });
  }
  if (
    isIndexType(kind.mediaType ?? null) ||
    (json !== null && typeof json === "object" && "manifests" in json)
  ) {
    return parseIndex(bytes, what);
  }
  const manifest = checked(manifestSchema, json, what);
  return {
    kind: "manifest",
    mediaType: kind.mediaType ?? mediaTypes.ociManifest,
    config: descriptor(manifest.config),
    layers: manifest.layers.map(descriptor),
  };
}

/** Reads an index, such as the `index.json` of a layout. @throws Failure `ImageCorrupt` */
export function parseIndex(bytes: Uint8Array, what: string): ImageIndex {
  const index = checked(indexSchema, parseJson(bytes, what), what);
  return { kind: "index", manifests: index.manifests.map(descriptor) };
}

/** @throws Failure `ImageCorrupt` */
export function parseImageConfig(bytes: Uint8Array, what: string): ImageConfig {
  return checked(configSchema, parseJson(bytes, what), what);
}

/** True when a descriptor points to another index. */
function isIndexType(mediaType: string | null): boolean {
  return mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerIndex;
}

/**
 * The first manifest of an index that is for the platform. Descriptors without a platform match any: their
 * config tells (see {@link checkPlatform}). Attestations (platform `unknown/unknown`) are no images.
 * @throws Failure `NoMatchingPlatform`, naming the platforms that there are
 */
export function selectPlatform(index: ImageIndex, wanted: Platform, what: string): Descriptor {
  const images = index.manifests.filter((entry) => entry.platform?.os !== "unknown");
  const match =
    images.find((entry) => entry.platform !== null && platformMatches(wanted, entry.platform)) ??
    images.find((entry) => entry.platform === null);
  if (match !== undefined) return match;
  const available = images.flatMap((entry) =>
    entry.platform === null ? [] : [formatPlatform(entry.platform)],
  );
  throw noMatchingPlatform(what, formatPlatform(wanted), available);
}

/** A config that names no platform fits all. @throws Failure `NoMatchingPlatform` */
export function checkPlatform(config: ImageConfig, wanted: Platform, what: string): void {
  if (!config.os || !config.architecture) return;
  const offered = { os: config.os, architecture: config.architecture, variant: config.variant || null };
  if (!platformMatches(wanted, offered)) {
    throw noMatchingPlatform(what, formatPlatform(wanted), [formatPlatform(offered)]);
  }
}

/**
 * Refuses what no container image holds: a config of a wrong kind, layers that the config does not know, sizes
 * beyond the limits.
 * @throws Failure `ImageCorrupt`
 */
export function checkManifest(manifest: ImageManifest, config: ImageConfig, what: string): void {
  const layers = manifest.layers.length;
  const known = config.rootfs.diff_ids.length;
  if (layers !== known) {
    throw imageCorrupt(what, `its manifest has ${layers} layers, its config ${known}`);
  }
  for (const layer of manifest.layers) {
    if (layer.sizeBytes > maximumLayerBytes) throw imageCorrupt(what, `layer ${layer.digest} is too large`);
  }
}

function descriptor(raw: v.InferOutput<typeof descriptorSchema>): Descriptor {
  const platform = raw.platform ?? null;
  return {
    mediaType: raw.mediaType ?? null,
    digest: raw.digest,
    sizeBytes: raw.size,
    platform:
      platform === null
        ? null
        : { os: platform.os, architecture: platform.architecture, variant: platform.variant || null },
    annotations: raw.annotations ?? {},
  };
}

function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw imageCorrupt(what, "it is not JSON", { cause });
  }
}

function checked<Schema extends v.GenericSchema>(
  schema: Schema,
  json: unknown,
  what: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, json);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const where = issue === undefined ? "" : (v.getDotPath(issue) ?? "");
  throw imageCorrupt(what, `${where === "" ? "it" : where} is not as the OCI specification has it`);
}
