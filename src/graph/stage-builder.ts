import { posix } from "node:path";
import type { Range } from "../diagnostics/source-file.ts";
import type { Instruction, LightfileTree, UseInstruction } from "../lightfile/ast.ts";
import { type StepId, stepId } from "../model/identifiers.ts";
import type { SandboxConfiguration } from "../model/sandbox-configuration.ts";
import type { WorkingDirectory } from "../model/step-operation.ts";
import type { ArgumentGiver } from "./argument-giver.ts";
import type { Findings } from "./findings.ts";
import { instructionTitle } from "./instruction-title.ts";
import type {
  BuilderResources,
  ContextFolder,
  DefinitionOn,
  PlannedStep,
  PlannedTest,
  StageReference,
} from "./plan.ts";
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
  /** The text that is read: the stage's file, or that of a mixin. */
  readonly tree: LightfileTree;
  /** Where its COPYs read. */
  readonly context: ContextFolder;
  readonly findings: Findings;
  /** What `ARG`s are given: on the command line, by `--arg`, or as a mixin's parameters. */
  readonly buildArguments: Readonly<Record<string, string>>;
  readonly argumentGiver: ArgumentGiver;
  readonly globalScope: Pick<Scope, "values" | "unsure" | "complete">;
  /** The command line's proxy arguments: they reach every RUN of every file. */
  readonly proxies: Readonly<Record<string, string>>;
  /** The title of the USE that puts these instructions here; null: none. */
  readonly useTitle: string | null;
  /** True when the base image has been looked up and all lines could be read: see {@link Scope}. */
  readonly complete: boolean;
  /** Index of this stage, and what ids of its steps begin with. */
  readonly index: number;
  readonly label: string;
  /** True for a stage that is FROM another stage: its disk is that stage's. */
  readonly onStage: boolean;
  /** What a `--from` means at this point; null when a diagnostic says why it means nothing. */
  findSource(reference: string, range: Range): StageSource | null;
  /** Puts the instructions of a mixin in place. */
  useMixin(stage: StageBuilder, instruction: UseInstruction): void;
}

/** Where a `COPY --from` reads. An image is known by reference until it has been looked up. */
export type StageSource = StageReference<ImageReference>;

/** An image that has not been looked up. */
export interface ImageReference {
  readonly reference: string;
}

/** A step whose images are still references: what is planned before images are looked up. */
export type DraftDefinition = DefinitionOn<ImageReference>;

export type DraftStep = Omit<PlannedStep, "definition"> & { readonly definition: DraftDefinition };

export interface RunEnvironment {
  readonly environment: Readonly<Record<string, string>>;
  readonly outputVariables: readonly string[];
  readonly proxies: Readonly<Record<string, string>>;
}

/** The text that is being read, and its variables. */
interface Reading {
  readonly surroundings: StageSurroundings;
  readonly scope: Scope;
}

interface PendingDirectory {
  readonly directory: WorkingDirectory;
  readonly historyIndex: number;
  readonly range: Range;
  readonly surroundings: StageSurroundings;
}

/** The state of one stage while its instructions are read in order. */
export class StageBuilder {
  #reading: Reading;
  /** All but the environment and the labels, which grow by one instruction after the other. */
  readonly configuration: Mutable<Omit<SandboxConfiguration, "environment" | "labels">>;
  readonly environment: Map<string, string>;
  /** What ONBUILD keeps for those who stand on the base: see `replayTriggers`. */
  readonly inheritedTriggers: readonly string[];
  readonly labels: Map<string, string>;
  readonly resources: Mutable<BuilderResources>;
  readonly steps: DraftStep[] = [];
  readonly tests: PlannedTest[] = [];
  /** Steps with words that rest on names whose values are not known. */
  readonly unsureSteps = new Set<StepId>();
  readonly history: { title: string; step: StepId | null }[] = [];
  snapshotName: string | null = null;
  /** True once this stage itself has said CMD: a later ENTRYPOINT then leaves it. */
  hasOwnCommand = false;
  #pending: PendingDirectory[] = [];

  constructor(surroundings: StageSurroundings, base: StageEnd) {
    this.#reading = {
      surroundings,
      scope: new Scope({
        findings: surroundings.findings,
        escape: surroundings.tree.escape,
        values: base.variables,
        unsure: base.unsureVariables,
        later: new Set(base.configuration.outputVariables),
        complete: surroundings.complete,
        undefinedCode: "UndefinedVar",
      }),
    };
    const { environment, labels, onbuild, ...configuration } = base.configuration;
    this.configuration = { ...configuration, onbuild: [] };
    this.inheritedTriggers = onbuild;
    this.environment = new Map(Object.entries(environment));
    this.labels = new Map(Object.entries(labels));
    this.resources = { ...base.resources };
  }

  /** What the instruction being read sees; inside a mixin that of the mixin's text. */
  get surroundings(): StageSurroundings {
    return this.#reading.surroundings;
  }

  /** The variables at this point; inside a mixin the environment and the mixin's parameters. */
  get scope(): Scope {
    return this.#reading.scope;
  }

  get findings(): Findings {
    return this.surroundings.findings;
  }

  /** What a `--from` means; null when that is not known yet, or a diagnostic says why it means nothing. */
  findSource(reference: string, range: Range): StageSource | null {
    return this.scope.restsOnUnknown ? null : this.surroundings.findSource(reference, range);
  }

  /**
   * Reads instructions of a mixin with `apply`. They see the environment and what the mixin's ARGs declare, not
   * the ARGs of the stage; of what they set, the environment stays. `isUnsure` says that it is not known for sure
   * what the mixin is given.
   */
  readWithin(surroundings: StageSurroundings, isUnsure: boolean, apply: () => void): void {
    const outer = this.#reading;
    const stepsBefore = this.steps.length;
    const scope = new Scope({
      findings: surroundings.findings,
      escape: surroundings.tree.escape,
      values: this.environment,
      unsure: outer.scope.unsure,
      later: new Set(this.configuration.outputVariables),
      complete: surroundings.complete && outer.scope.complete,
      undefinedCode: "UndefinedVar",
    });
    const before = new Map(this.environment);
    this.#reading = { surroundings, scope };
    apply();
    this.#reading = outer;
    for (const [name, value] of this.environment) {
      if (before.get(name) === value) continue;
      outer.scope.adopt(name, value, scope);
      if (isUnsure) outer.scope.doubt(name);
    }
    for (const name of this.configuration.outputVariables) outer.scope.setLater(name);
    if (!scope.complete) outer.scope.becomeIncomplete();
    if (isUnsure) for (const { id } of this.steps.slice(stepsBefore)) this.unsureSteps.add(id);
  }

  /** Reads the instructions of a trigger with `apply`: as if they stood in the stage, in another text. */
  readTrigger(surroundings: StageSurroundings, apply: () => void): void {
    const outer = this.#reading;
    const scope = new Scope({
      findings: surroundings.findings,
      escape: surroundings.tree.escape,
      values: outer.scope.values,
      unsure: outer.scope.unsure,
      later: outer.scope.later,
      complete: surroundings.complete && outer.scope.complete,
      undefinedCode: "UndefinedVar",
    });
    const before = new Map(outer.scope.values);
    this.#reading = { surroundings, scope };
    apply();
    this.#reading = outer;
    for (const [name, value] of scope.values) {
      if (before.get(name) !== value) outer.scope.adopt(name, value, scope);
    }
    for (const name of scope.later) outer.scope.setLater(name);
    if (!scope.complete) outer.scope.becomeIncomplete();
  }

  /** The value of a variable of the environment is what a step prints. */
  setOutputVariable(name: string): void {
    this.scope.setLater(name);
    this.environment.delete(name);
    const names = new Set([...this.configuration.outputVariables, name]);
    this.configuration.outputVariables = [...names].sort();
  }

  setEnvironment(name: string, value: string): void {
    this.scope.set(name, value);
    this.environment.set(name, value);
    this.configuration.outputVariables = this.configuration.outputVariables.filter((one) => one !== name);
  }

  /** Shows the instruction being read under another title. */
  retitle(title: string): void {
    const entry = this.history.at(-1);
    const { useTitle } = this.surroundings;
    if (entry !== undefined) entry.title = useTitle === null ? title : `${useTitle}: ${title}`;
  }

  /** Reads one instruction with `apply` and writes its line of history. */
  read<Kind extends Instruction>(instruction: Kind, apply: (stage: StageBuilder, one: Kind) => void): void {
    const stepsBefore = this.steps.length;
    const entry: { title: string; step: StepId | null } = {
      title: titleOf(this.surroundings, instruction),
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
    const title = this.history.at(-1)?.title ?? "";
    this.#addStep({ title, range: instruction.range, definition, variables }, this.surroundings);
  }

  /** A test of the stage's end, which the instruction being read becomes. */
  addTest(
    instruction: Instruction,
    test: Omit<PlannedTest, "id" | "stage" | "title" | "range" | "source">,
  ): void {
    const { index, label, tree } = this.surroundings;
    this.tests.push({
      id: stepId(`${label}/test-${this.tests.length + 1}`),
      stage: index,
      title: this.history.at(-1)?.title ?? "",
      range: instruction.range,
      source: tree.source,
      ...test,
    });
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
    if (known) return;
    const { surroundings } = this;
    this.#pending.push({ directory, historyIndex: this.history.length - 1, range, surroundings });
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
    for (const [name, value] of Object.entries(this.surroundings.proxies)) {
      if (!this.scope.values.has(name)) proxies[name] = value;
    }
    return { environment: this.scope.record, outputVariables: [...this.scope.later].sort(), proxies };
  }

  /** Ends the stage: directories that nothing has made yet become a step. */
  finish(): StageEnd {
    const pending = this.#pending;
    const last = pending.at(-1);
    if (last !== undefined) {
      const title = this.history[last.historyIndex]?.title ?? "WORKDIR";
      const directories = this.takePendingDirectories();
      this.#addStep(
        {
          title,
          range: last.range,
          definition: { kind: "make-directories", directories },
          variables: {},
        },
        last.surroundings,
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
    step: Pick<DraftStep, "title" | "range" | "definition" | "variables">,
    { index, label, tree, context }: StageSurroundings,
  ): void {
    const id = stepId(`${label}/${this.steps.length + 1}`);
    this.steps.push({ id, stage: index, source: tree.source, context, ...step });
  }
}

function titleOf({ tree, useTitle }: StageSurroundings, instruction: Instruction): string {
  const title = instructionTitle(tree, instruction);
  return useTitle === null ? title : `${useTitle}: ${title}`;
}
