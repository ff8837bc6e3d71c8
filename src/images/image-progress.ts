import type { Sha256Digest } from "../model/identifiers.ts";

/** What happens while a reference is resolved. */
export type ResolveProgress =
  /** The registry is asked what the reference means. */
  | { readonly kind: "asking"; readonly reference: string }
  /** A local archive is read and verified; bytes of the file. */
  | {
      readonly kind: "reading";
      readonly reference: string;
      readonly doneBytes: number;
      readonly totalBytes: number;
    };

/** How far an image has come in. */
export interface FetchProgress {
  /** Of all blobs together. It falls when a broken transfer has to start again. */
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** The blob that moved; null while a local archive is read. */
  readonly blob: BlobProgress | null;
}

export interface BlobProgress {
  readonly digest: Sha256Digest;
  readonly doneBytes: number;
  readonly totalBytes: number;
}
