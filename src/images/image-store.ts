import { join } from "node:path";
import { ContentStore } from "./content-store.ts";
import { ResolvedImages } from "./resolved-images.ts";

/** The client's own base images: their blobs, and which reference means which. */
export interface ImageStore {
  readonly content: ContentStore;
  readonly resolved: ResolvedImages;
}

/** Touches nothing on disk: folders and files are made when there is something to keep. */
export function openImageStore(folder: string): ImageStore {
  return {
    content: new ContentStore(folder),
    resolved: new ResolvedImages(join(folder, "resolved.json")),
  };
}
