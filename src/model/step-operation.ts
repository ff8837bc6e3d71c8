import type { ContentDigest, LayerKey } from "./identifiers.ts";

/**
 * What a step does in the builder, with every variable already expanded. All of it is in the step's key.
 * A `StepOperation` is plain JSON data: it crosses the network to remote workers as it is.
 */
export type StepOperation = RunOperation | CopyOperation | MakeDirectoriesOperation;

/** A directory that a `WORKDIR` named, made (mode 0755) before the operation if it is missing. */
export interface WorkingDirectory {
  /** Absolute guest path. */
  readonly path: string;
  /** `USER` at the time of the `WORKDIR`, who owns the directory if it is made; e.g. `root`, `1000:1000`. */
  readonly user: string;
}

/** A `RUN`. */
export interface RunOperation {
  readonly kind: "run";
  readonly command: RunCommand;
  /** The whole environment of the command: base image, ENV and declared ARG values. */
  readonly environment: Readonly<Record<string, string>>;
  /** As USER takes it: `name|uid[:group|gid]`. */
  readonly user: string;
  /** Absolute guest path; made if missing. */
  readonly workingDirectory: string;
  readonly network: NetworkAccess;
  /** WORKDIRs since the last step that changed files, in order. */
  readonly directories: readonly WorkingDirectory[];
}

export type RunCommand =
  /** Started as it is, e.g. `["/bin/sh", "-c", "make"]`. */
  | { readonly kind: "argv"; readonly argv: readonly string[] }
  /** A heredoc that begins with `#!`: written to a file outside the layer and executed. */
  | { readonly kind: "script"; readonly content: string };

/** `default`: the internet as microsandbox's public policy allows. `none`: no network device at all. */
export type NetworkAccess = "default" | "none";

/** A `COPY` or `ADD`. Everything arrives as `owner` (default 0:0 from the context, kept from a stage). */
export interface CopyOperation {
  readonly kind: "copy";
  readonly source: CopySource;
  /** Absolute guest path. */
  readonly destination: string;
  /** True when the destination was written with a trailing slash, or has to be a directory. */
  readonly destinationIsDirectory: boolean;
  readonly owner: CopyOwner | null;
  readonly mode: CopyMode | null;
  readonly directories: readonly WorkingDirectory[];
}

export type CopySource =
  /** Files of the build context, already selected, hashed and sorted by path. */
  | { readonly kind: "context"; readonly sources: readonly ContextSource[] }
  /** Paths (may hold wildcards) in the root filesystem that a stage ends with. */
  | {
      readonly kind: "stage";
      /** Last layer of the stage; null when the stage is its base image as it is. */
      readonly layer: LayerKey | null;
      readonly imageDigest: string;
      readonly diskSizeMib: number;
      readonly paths: readonly string[];
    };

/** One source argument of a COPY after wildcards are matched. */
export interface ContextSource {
  /** As written, for messages. */
  readonly written: string;
  /** `file` keeps its name unless the destination renames it; of a `directory` only the contents are copied. */
  readonly kind: "file" | "directory";
  /** Base name of the source. */
  readonly name: string;
  /**
   * For `file`: exactly one entry whose path is ''. For `directory`: everything below it, parents before
   * children, sorted by path; the directory itself is the entry with path ''.
   */
  readonly entries: readonly ContextEntry[];
}

export type ContextEntry =
  | {
      readonly kind: "file";
      /** Relative to the source, `/`-separated. */
      readonly path: string;
      /** Permission bits to set, e.g. 0o644 or 0o755 (only the executable bits come from the host). */
      readonly mode: number;
      readonly sizeBytes: number;
      readonly digest: ContentDigest;
    }
  | { readonly kind: "directory"; readonly path: string; readonly mode: number }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string };

/** Names are looked up in the guest's /etc/passwd and /etc/group; an unknown name fails the step. */
export interface CopyOwner {
  readonly user: string;
  /** Absent: the user's primary group, or the same number when the user is a number. */
  readonly group: string | null;
}

export type CopyMode =
  | { readonly kind: "octal"; readonly bits: number }
  /** e.g. `u=rwX,go=rX` */
  | { readonly kind: "symbolic"; readonly expression: string };

/** The WORKDIRs that a stage ends with and no later step has made. */
export interface MakeDirectoriesOperation {
  readonly kind: "make-directories";
  readonly directories: readonly WorkingDirectory[];
}
