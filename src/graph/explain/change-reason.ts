/** One reason why a step has another key than last time. */
export type ChangeReason =
  | { readonly kind: "new-step" }
  | { readonly kind: "instruction-changed"; readonly before: string; readonly after: string }
  /** Null: not set. */
  | {
      readonly kind: "variable-changed";
      readonly name: string;
      readonly before: string | null;
      readonly after: string | null;
    }
  | { readonly kind: "file-added"; readonly path: string }
  | { readonly kind: "file-removed"; readonly path: string }
  | { readonly kind: "file-changed"; readonly path: string }
  | { readonly kind: "working-directory-changed"; readonly before: string; readonly after: string }
  | { readonly kind: "user-changed"; readonly before: string; readonly after: string }
  | { readonly kind: "shell-changed"; readonly before: string; readonly after: string }
  | { readonly kind: "network-changed"; readonly before: string; readonly after: string }
  | { readonly kind: "mount-added"; readonly target: string }
  | { readonly kind: "mount-removed"; readonly target: string }
  /** What it is, or how it is mounted. */
  | { readonly kind: "mount-changed"; readonly target: string }
  /** The stage or image that it shows; files of the context are reasons of their own. */
  | { readonly kind: "mounted-content-changed"; readonly target: string }
  /** The step is never found in the cache. */
  | { readonly kind: "runs-always" }
  /** What an address sends. */
  | { readonly kind: "download-changed"; readonly url: string }
  | {
      readonly kind: "commit-changed";
      readonly repository: string;
      readonly before: string;
      readonly after: string;
    }
  /** A WORKDIR before the step now makes other directories. */
  | { readonly kind: "directories-changed" }
  /** The content of the stage that it copies from. */
  | { readonly kind: "source-stage-changed"; readonly stage: string }
  | { readonly kind: "source-image-changed"; readonly before: string; readonly after: string }
  | { readonly kind: "base-image-changed"; readonly before: string; readonly after: string }
  | { readonly kind: "disk-size-changed"; readonly beforeMib: number; readonly afterMib: number }
  /** The step below has another key; its title, or null where the step now stands on an image. */
  | { readonly kind: "parent-changed"; readonly step: string | null };
