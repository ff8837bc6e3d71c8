import type { ContentDigest } from "../model/identifiers.ts";

/** Where the bytes of a digest are. */
export type ContentLocation =
  /** An absolute path of this host. */
  | { readonly kind: "file"; readonly path: string }
  /** The body of a heredoc. */
  | { readonly kind: "inline"; readonly text: string };

export interface ContentPaths {
  get(digest: ContentDigest): ContentLocation | undefined;
}
