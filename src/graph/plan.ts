import type { Range } from "../diagnostics/source-file.ts";
import type { BaseImage } from "../model/base-image.ts";
import type { StepId } from "../model/identifiers.ts";
import type { SandboxConfiguration } from "../model/sandbox-configuration.ts";
import type {
  CopyMode,
  CopyOwner,
  NetworkAccess,
  RunCommand,
  WorkingDirectory,
} from "../model/step-operation.ts";

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
  /** Position among the file's stages, from 0. */
  readonly index: number;
  readonly name: string | null;
  readonly base: StageBase;
  /** The image at the bottom of the chain. */
  readonly image: BaseImage;
  readonly resources: BuilderResources;
  /** Steps that change files, in order. */
  readonly steps: readonly PlannedStep[];
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
  /** The instruction as written, on one line. */
  readonly title: string;
  /** Of the instruction in the Lightfile. */
  readonly range: Range;
  readonly definition: StepDefinition;
  /** Variables that the step reads, with their values: for explaining, not for the key (values are in the definition). */
  readonly variables: Readonly<Record<string, string>>;
}

/** A step with its inputs still unread: context files are patterns, stages are numbers. */
export type StepDefinition =
  | {
      readonly kind: "run";
      readonly command: RunCommand;
      readonly environment: Readonly<Record<string, string>>;
      readonly user: string;
      readonly workingDirectory: string;
      readonly network: NetworkAccess;
      readonly directories: readonly WorkingDirectory[];
      /** Proxy build arguments that the stage does not declare: the command gets them, the key does not. */
      readonly proxies?: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: "copy";
      readonly source: CopyDefinitionSource;
      readonly destination: string;
      readonly destinationIsDirectory: boolean;
      readonly owner: CopyOwner | null;
      readonly mode: CopyMode | null;
      readonly directories: readonly WorkingDirectory[];
    }
  | { readonly kind: "make-directories"; readonly directories: readonly WorkingDirectory[] };

export type CopyDefinitionSource =
  | {
      readonly kind: "context";
      readonly patterns: readonly CopyPattern[];
      /** Where `ADD` would unpack an archive: a source that is one is refused until unpacking is there. */
      readonly archives?: "refuse";
    }
  | { readonly kind: "stage"; readonly index: number; readonly paths: readonly string[] }
  | { readonly kind: "image"; readonly image: BaseImage; readonly paths: readonly string[] };

/** A source argument after expansion: a path or wildcard in the context, or a heredoc's file. */
export type CopyPattern =
  | { readonly kind: "path"; readonly pattern: string; readonly range: Range }
  | { readonly kind: "inline"; readonly name: string; readonly content: string };
