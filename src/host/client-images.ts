import type { ImageSource } from "../bake/image-source.ts";
import { openImageStore } from "../images/image-store.ts";
import type { Home } from "./home.ts";

/** Base images from the client's own image store; relative archive paths start at the Lightfile's context. */
export function createImageSource(home: Home, directory: string): ImageSource {
  const store = openImageStore(home.images);
  return {
    async resolve(reference, { platform, pull, onRetry }, signal) {
      const { resolveBaseImage } = await import("../images/image-source.ts");
      return await resolveBaseImage(reference, {
        store,
        platform,
        pull,
        directory,
        signal,
        registry: { onRetry },
      });
    },
    async recall(reference, { platform }, signal) {
      const { recallBaseImage } = await import("../images/image-source.ts");
      return await recallBaseImage(reference, { store, platform, directory, signal });
    },
    async openLayout(image, { onProgress, onRetry }, signal) {
      const { openLayout } = await import("../images/image-source.ts");
      return await openLayout(image, { store, onProgress, signal, registry: { onRetry } });
    },
  };
}
