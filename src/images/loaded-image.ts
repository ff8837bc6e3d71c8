import type { Sha256Digest } from "../model/identifiers.ts";
import type { ImageConfig } from "./manifest.ts";

/** An image whose manifest and config are in the content store. */
export interface LoadedImage {
  /** Of the manifest for the wanted platform. */
  readonly digest: Sha256Digest;
  readonly config: ImageConfig;
}
