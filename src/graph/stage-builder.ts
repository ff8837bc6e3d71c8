import { posix } from "node:path";
import type { Range } from "../diagnostics/source-file.ts";
import type { Instruction, LightfileTree } from "../lightfile/ast.ts";
import { type StepId, stepId } from "../model/identifiers.ts";
import type { SandboxConfiguration } from "../model/sandbox-configuration.ts";
import type { WorkingDirectory } from "../model/step-operation.ts";
import type { Findings } from "./findings.ts";
import { instructionTitle } from "./instruction-title.ts";
import type { BuilderResources, PlannedStep, StepDefinition } from "./plan.ts";
import { proxyArguments } from "./predefined-arguments.ts";
import { Scope } from "./scope.ts";

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/** What a stage gives to one that is `FROM` it. */
export interface StageEnd {
  readonly configuration: SandboxConfiguration;
  readonly variables: ReadonlyMap<string, string>;
  readonly unsureVariables: ReadonlySet<string>;
  readonly resources: BuilderResources;
}

/** What an instruction asks about the rest of the file. */
export interface StageSurroundings {
  readonly tree: LightfileTree;
  readonly findings: Findings;
  readonly buildArguments: Readonly<Record<string, string>>;
  readonly globalScope: Pick<Scope, "values" | "unsure">;
  /** True when the base image has been looked up and all lines could be read: see {@link Scope}. */
  readonly complete: boolean;
  /** Index of this stage, and what ids of its steps begin with. */
  readonly index: number;
  readonly label: string;
  /** True for a stage that is FROM another stage: its disk is that stage's. */
  readonly onStage: boolean;
  /** What a `--from` means at this point; null when a diagnostic says why it means nothing. */
  findSource(reference: string, range: Range): StageSource | null;
}

/** Where a `COPY --from` reads. An image is known by reference until it has been looked up. */
export type StageSource =
  | { readonly kind: "stage"; readonly index: number }
  | { readonly kind: "image"; readonly reference: string };

/** A step whose images are still references: what is planned before images are looked up. */
export type DraftDefinition =
  | Exclude<StepDefinition, { kind: "copy" }>
  | (Omit<Extract<StepDefinition, { kind: "copy" }>, "source"> & { readonly source: DraftCopySource });

export type DraftCopySource =
  | Extract<Extract<StepDefinition, { kind: "copy" }>["source"], { kind: "context" | "stage" }>
  | { readonly kind: "image"; readonly reference: string; readonly paths: readonly string[] };

export type DraftStep = Omit<PlannedStep, "definition"> & { readonly definition: DraftDefinition };

export interface RunEnvironment {
  readonly environment: Readonly<Record<string, string>>;
  readonly proxies: Readonly<Record<string, string>>;
}

/** The state of one stage while its instructions are read in order. */
export class StageBuilder {
  readonly surroundings: StageSurroundings;
  readonly scope: Scope;
  /** All but the environment and the labels, which grow by one instruction after the other. */
  readonly configuration: Mutable<Omit<SandboxConfiguration, "environment" | "labels">>;
  readonly environment: Map<string, string>;
  readonly labels: Map<string, string>;
  readonly resources: Mutable<BuilderResources>;
  readonly steps: DraftStep[] = [];
  /** Steps with words that rest on names whose values are not known. */
  readonly unsureSteps = new Set<StepId>();
  readonly history: { title: string; step: StepId | null }[] = [];
  snapshotName: string | null = null;
  /** True once this stage itself has said CMD: a later ENTRYPOINT then leaves it. */
  hasOwnCommand = false;
  #pending: { readonly directory: WorkingDirectory; readonly historyIndex: number; readonly range: Range }[] =
    [];

  constructor(surroundings: StageSurroundings, base: StageEnd) {
    this.surroundings = surroundings;
    this.scope = new Scope({
      findings: surroundings.findings,
      escape: surroundings.tree.escape,
      values: base.variables,
      unsure: base.unsureVariables,
      complete: surroundings.complete,
      undefinedCode: "UndefinedVar",
    });
    const { environment, labels, ...configuration } = base.configuration;
    this.configuration = configuration;
    this.environment = new Map(Object.entries(environment));
    this.labels = new Map(Object.entries(labels));
    this.resources = { ...base.resources };
  }

  get findings(): Findings {
    return this.surroundings.findings;
  }

  /** Reads one instruction with `apply` and writes its line of history. */
  read<Kind extends Instruction>(instruction: Kind, apply: (stage: StageBuilder, one: Kind) => void): void {
    const stepsBefore = this.steps.length;
    const entry: { title: string; step: StepId | null } = {
      title: instructionTitle(this.surroundings.tree, instruction),
      step: null,
    };
    this.history.push(entry);
    this.scope.beginInstruction();
    apply(this, instruction);
    this.scope.endInstruction();
    entry.step = this.steps[stepsBefore]?.id ?? null;
    if (this.scope.restsOnUnknown && entry.step !== null) this.unsureSteps.add(entry.step);
  }

  /** The step that the instruction being read becomes. */
  addStep(
    instruction: Instruction,
    definition: DraftDefinition,
    variables: Readonly<Record<string, string>>,
  ): void {
    this.#addStep(this.history.at(-1)?.title ?? "", instruction.range, definition, variables);
  }

  /** The path from the working directory on, cleaned; a slash at the end is not kept. */
  resolvePath(path: string): string {
    return posix.resolve("/", this.configuration.workingDirectory, path);
  }

  changeDirectory(path: string, range: Range): void {
    this.configuration.workingDirectory = this.resolvePath(path);
    const directory = { path: this.configuration.workingDirectory, user: this.configuration.user };
    if (directory.path === "/") return;
    const known = this.#pending.some(
      (one) => one.directory.path === directory.path && one.directory.user === directory.user,
    );
    if (!known) this.#pending.push({ directory, historyIndex: this.history.length - 1, range });
  }

  /** The WORKDIRs that the step now being made has to make first. */
  takePendingDirectories(): readonly WorkingDirectory[] {
    const directories = this.#pending.map((one) => one.directory);
    this.#pending = [];
    return directories;
  }

  /** The environment of a RUN, and the proxies that are no part of its key. */
  runEnvironment(): RunEnvironment {
    const proxies: Record<string, string> = {};
    for (const [name, value] of Object.entries(this.surroundings.buildArguments)) {
      if (proxyArguments.has(name) && !this.scope.values.has(name)) proxies[name] = value;
    }
    return { environment: this.scope.record, proxies };
  }

  /** Ends the stage: directories that nothing has made yet become a step. */
  finish(): StageEnd {
    const pending = this.#pending;
    const last = pending.at(-1);
    if (last !== undefined) {
      const title = this.history[last.historyIndex]?.title ?? "WORKDIR";
      this.#addStep(
        title,
        last.range,
        { kind: "make-directories", directories: this.takePendingDirectories() },
        {},
      );
      const step = this.steps.at(-1)?.id ?? null;
      for (const { historyIndex } of pending) {
        const entry = this.history[historyIndex];
        if (entry !== undefined) entry.step = step;
      }
    }
    return {
      configuration: {
        ...this.configuration,
        environment: Object.fromEntries(this.environment),
        labels: Object.fromEntries(this.labels),
      },
      variables: this.scope.values,
      unsureVariables: this.scope.unsure,
      resources: this.resources,
    };
  }

  #addStep(
    title: string,
    range: Range,
    definition: DraftDefinition,
    variables: Readonly<Record<string, string>>,
  ): void {
    const { index, label } = this.surroundings;
    const id = stepId(`${label}/${this.steps.length + 1}`);
    this.steps.push({ id, stage: index, title, range, definition, variables });
  }
}
