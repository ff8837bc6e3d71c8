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
  /**
   * Further variables of the environment, whose values steps below printed (`ENV --from-output`): the newest
   * value of each name that a step of the chain gave.
   */
  readonly outputVariables: readonly string[];
  readonly network: NetworkAccess;
  /** WORKDIRs since the last step that changed files, in order. */
  readonly directories: readonly WorkingDirectory[];
  /** In the order of the instruction; mounted for this step alone, and in no layer. */
  readonly mounts: readonly RunMount[];
  /** Of each start of the command; null: as long as it takes. Not in the key. */
  readonly timeoutSeconds: number | null;
  /**
   * How often a command that fails is started again; each start finds the files as the step found them. Not in
   * the key.
   */
  readonly retries: number;
  /** The variable whose value is what the command prints (`ENV --from-output`); null: what it prints is only shown. */
  readonly outputVariable: string | null;
  /** A word made for this bake alone, which makes the key its own: of `--no-cache`. Null: found in the cache as ever. */
  readonly freshness: string | null;
}

/** What an `ENV --from-output` may print, in bytes, without the line ends that are taken away. */
export const outputValueLimitBytes = 64 * 1024;

export type RunCommand =
  /** Started as it is, e.g. `["/bin/sh", "-c", "make"]`. */
  | { readonly kind: "argv"; readonly argv: readonly string[] }
  /** A heredoc that begins with `#!`: written to a file outside the layer and executed. */
  | { readonly kind: "script"; readonly content: string };

/**
 * `default`: the internet as microsandbox's public policy allows. `none`: no network device at all. `allow`: these
 * hosts only, each `host`, `host:port` or `*.domain` (any name below the domain, not itself), in lower case, sorted;
 * IPv6 addresses in brackets. Everything else is refused: a name that is not allowed is not even looked up.
 */
export type NetworkAccess = "default" | "none" | { readonly allow: readonly string[] };

/** A `--mount`. Targets are absolute guest paths, clean, and not `/`. */
export type RunMount = BindMount | CacheMount | VolumeMount | TmpfsMount | SecretMount | SshMount;

/** A file or directory to be seen in the guest. What is written to it is thrown away after the step. */
export interface BindMount {
  readonly kind: "bind";
  readonly target: string;
  readonly readOnly: boolean;
  readonly content: MountContent;
}

export type MountContent =
  /** One file or directory of the build context, `written` as it is named there. */
  | { readonly kind: "context"; readonly source: ContextSource }
  | ({ readonly kind: "stage"; readonly path: string } & StageFiles);

/** A directory that outlives the step, for later bakes; it may vanish at any time. */
export interface CacheMount {
  readonly kind: "cache";
  /** Tells caches apart: mounts with the same id share one. */
  readonly id: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** `private`: another one while this one is in use; `locked`: wait until it is free. */
  readonly sharing: "shared" | "private" | "locked";
  /** Of the directory, when it is made. */
  readonly mode: number;
  readonly userId: number;
  readonly groupId: number;
  /** What an empty cache begins with; null: nothing. */
  readonly seed: MountContent | null;
}

/** A named volume of the host that bakes on. */
export interface VolumeMount {
  readonly kind: "volume";
  readonly name: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface TmpfsMount {
  readonly kind: "tmpfs";
  readonly target: string;
  /** Null: as the guest's kernel has it. */
  readonly sizeBytes: number | null;
  readonly mode: number;
}

/** The value comes from the client while the step runs; it is in no key, record, layer or log. */
export interface SecretMount {
  readonly kind: "secret";
  readonly id: string;
  /** The file that holds it; null: none. */
  readonly target: string | null;
  /** The variable that holds it; null: none. */
  readonly environmentVariable: string | null;
  /** False: without a value the step runs without it. */
  readonly required: boolean;
  readonly mode: number;
  readonly userId: number;
  readonly groupId: number;
}

/** The socket of an ssh agent of the client; `SSH_AUTH_SOCK` names the first one's target. */
export interface SshMount {
  readonly kind: "ssh";
  readonly id: string;
  readonly target: string;
  readonly required: boolean;
  readonly mode: number;
  readonly userId: number;
  readonly groupId: number;
}

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
  | ({ readonly kind: "stage" } & StageFiles & StageSelection);

/** The root filesystem that a stage ends with. */
export interface StageFiles {
  /** Last layer of the stage; null when the stage is its base image as it is. */
  readonly layer: LayerKey | null;
  readonly imageDigest: string;
  readonly diskSizeMib: number;
}

/** What a COPY takes from a stage. */
export interface StageSelection {
  readonly paths: readonly string[];
  /** Patterns in the ignore file's language, relative to each source; what they match is not copied. */
  readonly excludes: readonly string[];
  /**
   * `--parents`: the path of each source is kept below the destination, from a `/./` in it on where there is one,
   * and `**` crosses directories. Directories that are made on the way have the mode and owner of the stage's; those
   * that are there already stay as they are.
   */
  readonly keepsParents: boolean;
  /** A path that is not there is not an error. */
  readonly ifExists: boolean;
}

/** One source argument of a COPY after wildcards are matched. */
export interface ContextSource {
  /** As written, for messages. */
  readonly written: string;
  /**
   * `file` keeps its name unless the destination renames it; of a `directory` only the contents are copied; an
   * `archive` (a tar, maybe compressed) is unpacked into the destination, which is a directory, with the owners and
   * modes that it says.
   */
  readonly kind: "file" | "directory" | "archive";
  /** Base name of the source. */
  readonly name: string;
  /** The commit of a git repository that the files are of: for people, and in no key. */
  readonly commit?: string;
  /**
   * For `file` and `archive`: exactly one entry whose path is ''. For `directory`: everything below it, parents before
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
  | {
      readonly kind: "directory";
      readonly path: string;
      readonly mode: number;
      /** Only on the way to what is copied (`--parents`): one that is there keeps its mode and owner. */
      readonly isImplied?: true;
    }
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

/** The files of the context that an operation takes with it. */
export function contextSourcesOf(operation: StepOperation): readonly ContextSource[] {
  if (operation.kind === "copy") return operation.source.kind === "context" ? operation.source.sources : [];
  if (operation.kind !== "run") return [];
  return mountContents(operation).flatMap((content) => (content.kind === "context" ? [content.source] : []));
}

/** What the mounts of a RUN show, in order. */
function mountContents({ mounts }: RunOperation): readonly MountContent[] {
  return mounts.flatMap((mount) => {
    if (mount.kind === "bind") return [mount.content];
    return mount.kind === "cache" && mount.seed !== null ? [mount.seed] : [];
  });
}
