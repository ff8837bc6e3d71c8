import type { ContentStore } from "./content-store.ts";
import { writeImage } from "./layout-writer.ts";
import type { LoadedImage } from "./loaded-image.ts";
import { parseImageConfig } from "./manifest.ts";
import type { Platform } from "./platform.ts";

/** A tar archive without entries is two blocks of zeros. */
const emptyTarBytes = 1024;

/** The image that `FROM scratch` stands for: one layer without a file. Whatever the processor's variant, it is the same. */
export async function makeScratchImage(
  store: ContentStore,
  { os, architecture }: Platform,
): Promise<LoadedImage> {
  const rootfs = (async function* () {
    yield new Uint8Array(emptyTarBytes);
  })();
  const { manifest, configBytes } = await writeImage(
    { rootfs, settings: {}, platform: { os, architecture, variant: null } },
    store,
  );
  return { digest: manifest.digest, config: parseImageConfig(configBytes, "scratch") };
}
