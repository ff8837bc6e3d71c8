import { StagedArchive } from "./archive-entries.ts";
import type { ContentStore } from "./content-store.ts";
import { dockerArchiveManifest, loadDockerArchive } from "./docker-archive.ts";
import { imageCorrupt } from "./image-failures.ts";
import { LayoutFolder } from "./layout-folder.ts";
import type { LoadedImage } from "./loaded-image.ts";
import { maximumManifestBytes } from "./manifest.ts";
import { isOciLayout, loadOciLayout } from "./oci-layout.ts";
import type { Platform } from "./platform.ts";
import type { LocalReference } from "./reference.ts";

export interface LoadLocalOptions {
  /** Absolute path of the archive or layout folder. */
  readonly path: string;
  readonly isFolder: boolean;
  readonly reference: LocalReference;
  readonly store: ContentStore;
  readonly platform: Platform;
  readonly onProgress: (doneBytes: number, totalBytes: number) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * Verifies an image in a Docker archive, OCI archive or OCI layout folder and puts its blobs into the store. An
 * archive that is both (newer versions of `docker save` write both) is read as an OCI archive: its manifest has
 * the digest that registries know.
 * @throws Failure `ImageCorrupt`, `ImageNotFound`, `ImageUnreadable`, `AmbiguousImage`, `NoMatchingPlatform`, `UnsupportedImageFormat`,
 *   `NoSpaceLeft`, `Cancelled`; then nothing is kept
 */
export async function loadLocalImage(options: LoadLocalOptions): Promise<LoadedImage> {
  const { path, isFolder, reference, store, platform } = options;
  await using files = isFolder
    ? new LayoutFolder(path, store, options.signal)
    : await StagedArchive.read(path, options);
  const load = { what: reference.path, files, store, platform, image: reference.image };
  const wantsDocker = reference.format === "docker-archive";
  const hasDocker = (await files.read(dockerArchiveManifest, maximumManifestBytes)) !== undefined;
  if (wantsDocker || (hasDocker && !(await isOciLayout(files)))) {
    if (isFolder) throw imageCorrupt(reference.path, "it is a folder, not a docker save archive");
    return await loadDockerArchive(load);
  }
  if (reference.format !== null || (await isOciLayout(files))) return await loadOciLayout(load);
  const expected = isFolder
    ? "no OCI image layout (oci-layout, index.json)"
    : "neither a Docker nor an OCI archive";
  throw imageCorrupt(reference.path, `it is ${expected}`);
}
