import type { RelatedLocation } from "../diagnostics/diagnostic.ts";
import type { Range, SourceFile } from "../diagnostics/source-file.ts";
import type { BaseImage } from "../model/base-image.ts";
import type { Sha256Digest, StepId } from "../model/identifiers.ts";
import type { SandboxConfiguration } from "../model/sandbox-configuration.ts";
import type {
  BindMount,
  CacheMount,
  CopyMode,
  CopyOwner,
  NetworkAccess,
  RunCommand,
  RunMount,
  StageSelection,
  WorkingDirectory,
} from "../model/step-operation.ts";

/** Where the COPYs of a Lightfile read. */
export interface ContextFolder {
  /** Absolute path. */
  readonly directory: string;
  /** Of the Lightfile, whose own ignore file comes first; null when it does not come from a file. */
  readonly lightfilePath: string | null;
}

/** The step DAG of one target: what is to be made, before anything is looked up or read from disk. */
export interface Plan {
  /** Only the stages that the target needs; a stage comes after those it depends on. */
  readonly stages: readonly PlannedStage[];
  /** Index (in the file) of the target stage. */
  readonly target: number;
  /** From SNAPSHOT of the target stage; null when it has none. */
  readonly snapshotName: string | null;
}

export interface PlannedStage {
  /** From 0: the stages of the file that is baked, then those of the files that it is joined with. */
  readonly index: number;
  /** With the file's label before it in a joined file, e.g. `tools#web`. */
  readonly name: string | null;
  readonly base: StageBase;
  /** The image at the bottom of the chain. */
  readonly image: BaseImage;
  readonly resources: BuilderResources;
  /** Steps that change files, in order. */
  readonly steps: readonly PlannedStep[];
  /** `TEST`s, in order: run in a sandbox on the stage's end when the stage is the target; they make no layer. */
  readonly tests: readonly PlannedTest[];
  /** What a sandbox gets that boots from the stage's end. */
  readonly configuration: SandboxConfiguration;
  /** All instructions, with the step that each became (null: it changes no file). */
  readonly history: readonly { readonly title: string; readonly step: StepId | null }[];
}

export type StageBase =
  | { readonly kind: "image" }
  /** `FROM` an earlier stage: the chain goes on from that stage's last layer. */
  | { readonly kind: "stage"; readonly index: number };

export interface BuilderResources {
  /** Null: lightbox chooses by the host. */
  readonly cpus: number | null;
  readonly memoryMib: number | null;
  /** The size of the root of the chain; the one resource that is in the key. */
  readonly diskSizeMib: number;
}

export const defaultDiskSizeMib = 8192;

export interface PlannedStep {
  readonly id: StepId;
  readonly stage: number;
  /** What `--title` says, or the instruction as written, on one line. */
  readonly title: string;
  /** Of the instruction in {@link source}. */
  readonly range: Range;
  /** The Lightfile, one that is joined to it, or the text of an ONBUILD trigger. */
  readonly source: SourceFile;
  /** The USEs that put it in its stage, the innermost first, and the like; absent without any. */
  readonly wayHere?: readonly RelatedLocation[];
  /** Where it reads files. */
  readonly context: ContextFolder;
  readonly definition: StepDefinition;
  /** Variables that the step reads, with their values: for explaining, not for the key (values are in the definition). */
  readonly variables: Readonly<Record<string, string>>;
}

/** A `TEST`. */
export interface PlannedTest {
  /** e.g. `build/test-1`; no step has it. */
  readonly id: StepId;
  readonly stage: number;
  /** As of a step. */
  readonly title: string;
  readonly range: Range;
  readonly source: SourceFile;
  readonly command: RunCommand;
  readonly environment: Readonly<Record<string, string>>;
  /** As of a {@link RunOperation}. */
  readonly outputVariables: readonly string[];
  readonly user: string;
  readonly workingDirectory: string;
  readonly network: NetworkAccess;
  /** Not in the key. */
  readonly timeoutSeconds: number | null;
  readonly variables: Readonly<Record<string, string>>;
  /** Proxy build arguments, as of a RUN. */
  readonly proxies?: Readonly<Record<string, string>>;
}

/** A step with its inputs still unread: context files are patterns, stages are numbers. */
export type StepDefinition = DefinitionOn<LookedUpImage>;

/** An image that a `--from` names, once it is looked up. */
export interface LookedUpImage {
  readonly image: BaseImage;
}

/** A definition whose images are known as `Image`: by reference first, later looked up. */
export type DefinitionOn<Image> =
  | RunDefinition<Image>
  | CopyDefinition<Image>
  | { readonly kind: "make-directories"; readonly directories: readonly WorkingDirectory[] };

export interface RunDefinition<Image> {
  readonly kind: "run";
  readonly command: RunCommand;
  readonly environment: Readonly<Record<string, string>>;
  readonly outputVariables: readonly string[];
  readonly user: string;
  readonly workingDirectory: string;
  readonly network: NetworkAccess;
  readonly directories: readonly WorkingDirectory[];
  readonly mounts: readonly MountDefinition<Image>[];
  readonly timeoutSeconds: number | null;
  readonly retries: number;
  readonly outputVariable: string | null;
  /** `--no-cache` */
  readonly runsAlways: boolean;
  /** Proxy build arguments that the stage does not declare: the command gets them, the key does not. */
  readonly proxies?: Readonly<Record<string, string>>;
}

export type MountDefinition<Image> =
  | Exclude<RunMount, BindMount | CacheMount>
  | (Omit<BindMount, "content"> & { readonly content: MountSource<Image> })
  | (Omit<CacheMount, "seed"> & { readonly seed: MountSource<Image> | null });

export type MountSource<Image> =
  | { readonly kind: "context"; readonly path: string; readonly range: Range }
  | (StageReference<Image> & { readonly path: string });

export interface CopyDefinition<Image> {
  readonly kind: "copy";
  readonly source: CopySourceOn<Image>;
  readonly destination: string;
  readonly destinationIsDirectory: boolean;
  readonly owner: CopyOwner | null;
  readonly mode: CopyMode | null;
  readonly directories: readonly WorkingDirectory[];
}

export type CopySourceOn<Image> = ContextSelection | (StageReference<Image> & StageSelection);

/** Another stage, by its index, or an image. */
export type StageReference<Image> =
  | { readonly kind: "stage"; readonly index: number }
  | ({ readonly kind: "image" } & Image);

export interface ContextSelection {
  readonly kind: "context";
  readonly patterns: readonly CopyPattern[];
  /**
   * What becomes of an archive among the sources. `auto`, as ADD: unpacked when it is a local file. `always`: what
   * is no archive is an error.
   */
  readonly unpacks: "never" | "auto" | "always";
  /** See {@link StageSelection}. */
  readonly excludes: readonly CopyExclude[];
  readonly keepsParents: boolean;
  readonly ifExists: boolean;
}

export interface CopyExclude {
  readonly pattern: string;
  readonly range: Range;
}

/** A source argument after expansion. */
export type CopyPattern =
  /** A path or wildcard in the context. */
  | { readonly kind: "path"; readonly pattern: string; readonly range: Range }
  /** A heredoc's file. */
  | { readonly kind: "inline"; readonly name: string; readonly content: string }
  /** A file behind `http://` or `https://`; its SHA-256 where the file says it. */
  | {
      readonly kind: "url";
      readonly url: string;
      /** What the file is called where the destination is a directory. */
      readonly name: string;
      readonly checksum: Sha256Digest | null;
      readonly range: Range;
    }
  /** The tree of a git repository at a ref. */
  | {
      readonly kind: "git";
      readonly repository: string;
      /** Null: the remote's HEAD. */
      readonly ref: string | null;
      /** The folder of the repository that is taken; '' for all of it. */
      readonly path: string;
      readonly keepsGitDirectory: boolean;
      /** What the commit begins with, in hex, where the file says it. */
      readonly commitPrefix: string | null;
      readonly range: Range;
    };

/** The stages and images that a step reads, besides the one that it stands on. */
export function stageSourcesOf<Image>(definition: DefinitionOn<Image>): readonly StageReference<Image>[] {
  if (definition.kind === "copy") return definition.source.kind === "context" ? [] : [definition.source];
  if (definition.kind !== "run") return [];
  return mountSourcesOf(definition).flatMap((source) => (source.kind === "context" ? [] : [source]));
}

/** What the mounts of a RUN show, in order. */
export function mountSourcesOf<Image>({ mounts }: RunDefinition<Image>): readonly MountSource<Image>[] {
  return mounts.flatMap((mount) => {
    if (mount.kind === "bind") return [mount.content];
    return mount.kind === "cache" && mount.seed !== null ? [mount.seed] : [];
  });
}
