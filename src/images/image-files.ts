import type { StagedBlob } from "./staged-blob.ts";

/** The files of an archive or of a layout folder, by their `/`-separated path in it. */
export interface ImageFiles {
  /**
   * The content of a small file; undefined when it is missing.
   * @throws Failure `ImageCorrupt` when it is larger
   */
  read(path: string, maximumBytes: number): Promise<Uint8Array | undefined>;
  /** The file, sealed and hashed, on its way into the content store; undefined when it is missing. */
  stage(path: string): Promise<StagedBlob | undefined>;
}
