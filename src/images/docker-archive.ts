import * as v from "valibot";
import { imageCorrupt } from "./image-failures.ts";
import type { LoadedImage } from "./loaded-image.ts";
import {
  checkManifest,
  checkPlatform,
  type ImageConfig,
  maximumConfigBytes,
  maximumManifestBytes,
  mediaTypes,
  parseImageConfig,
  parseManifest,
} from "./manifest.ts";
import { ambiguousImage, imageNotInArchive, type LoadOptions, sameImageName } from "./oci-layout.ts";
import { digestOf, type StagedBlob } from "./staged-blob.ts";

const manifestSchema = v.pipe(
  v.array(
    v.object({
      Config: v.string(),
      RepoTags: v.nullish(v.array(v.string())),
      Layers: v.nullish(v.array(v.string())),
    }),
  ),
  v.minLength(1),
);
type ArchivedImage = v.InferOutput<typeof manifestSchema>[number];

/** What `docker save` writes before its layers: `manifest.json`. */
export const dockerArchiveManifest = "manifest.json";

/**
 * Verifies one image of a `docker save` archive and puts its blobs into the store: all of them, or none. Such an
 * archive has no image manifest; one is made from its config and layers alone, so that the same archive
 * always has the same digest.
 * @throws Failure `ImageCorrupt`, `ImageNotFound`, `AmbiguousImage`, `NoMatchingPlatform`, `NoSpaceLeft`
 */
export async function loadDockerArchive(options: LoadOptions): Promise<LoadedImage> {
  const { what, files, store, platform } = options;
  const image = chooseImage(options, await readArchiveManifest(options));
  const configBytes = await files.read(image.Config, maximumConfigBytes);
  if (configBytes === undefined) throw imageCorrupt(what, `${image.Config} is missing`);
  const config = parseImageConfig(configBytes, `the config of ${what}`);
  checkPlatform(config, platform, what);
  const layers = await stageLayers(options, image.Layers ?? [], config);
  const manifestBytes = await ociManifest(configBytes, layers);
  const manifest = parseManifest(manifestBytes, what);
  if (manifest.kind === "manifest") checkManifest(manifest, config, what);
  for (const layer of layers) await layer.keep();
  await store.add(configBytes);
  return { digest: (await store.add(manifestBytes)).digest, config };
}

async function readArchiveManifest({ what, files }: LoadOptions): Promise<ArchivedImage[]> {
  const bytes = await files.read(dockerArchiveManifest, maximumManifestBytes);
  if (bytes === undefined) throw imageCorrupt(what, `${dockerArchiveManifest} is missing`);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw imageCorrupt(what, `${dockerArchiveManifest} is not JSON`, { cause });
  }
  const result = v.safeParse(manifestSchema, json);
  if (!result.success) throw imageCorrupt(what, `${dockerArchiveManifest} is not as docker save writes it`);
  return result.output;
}

function chooseImage({ what, image }: LoadOptions, images: readonly ArchivedImage[]): ArchivedImage {
  const names = images.flatMap((entry) => entry.RepoTags ?? []);
  if (image === null) {
    const [first] = images;
    if (first !== undefined && images.length === 1) return first;
    throw ambiguousImage(what, names);
  }
  const found = images.find((entry) => (entry.RepoTags ?? []).some((tag) => sameImageName(tag, image)));
  if (found === undefined) throw imageNotInArchive(what, image, names);
  return found;
}

async function stageLayers(
  { what, files }: LoadOptions,
  names: readonly string[],
  config: ImageConfig,
): Promise<StagedBlob[]> {
  const layers: StagedBlob[] = [];
  for (const [index, name] of names.entries()) {
    const layer = await files.stage(name);
    if (layer === undefined) throw imageCorrupt(what, `${name} is missing`);
    const { digest } = await layer.seal();
    const isPlain = layerMediaType(await layer.readStart(4)) === mediaTypes.ociLayer;
    if (isPlain && digest !== config.rootfs.diff_ids[index]) {
      throw imageCorrupt(what, `layer ${name} has other content than the config says`);
    }
    layers.push(layer);
  }
  return layers;
}

async function ociManifest(configBytes: Uint8Array, layers: readonly StagedBlob[]): Promise<Uint8Array> {
  const descriptors = [];
  for (const layer of layers) {
    const { digest, sizeBytes } = await layer.seal();
    descriptors.push({ mediaType: layerMediaType(await layer.readStart(4)), digest, size: sizeBytes });
  }
  const config = {
    mediaType: mediaTypes.ociConfig,
    digest: digestOf(configBytes),
    size: configBytes.byteLength,
  };
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: descriptors };
  return new TextEncoder().encode(JSON.stringify(manifest));
}

function layerMediaType(start: Uint8Array): string {
  if (start[0] === 0x1f && start[1] === 0x8b) return mediaTypes.ociLayerGzip;
  if (start[0] === 0x28 && start[1] === 0xb5 && start[2] === 0x2f && start[3] === 0xfd)
    return mediaTypes.ociLayerZstd;
  return mediaTypes.ociLayer;
}
