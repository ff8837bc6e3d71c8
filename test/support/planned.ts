import { posix } from "node:path";
import type { Diagnostic } from "../../src/diagnostics/diagnostic.ts";
import { positionAt } from "../../src/diagnostics/source-file.ts";
import { findReferences } from "../../src/graph/base-references.ts";
import { loadHasher } from "../../src/graph/keys/hash.ts";
import { keyPlan } from "../../src/graph/keys/key-plan.ts";
import type { KeyedPlan, StepInputs } from "../../src/graph/keys/keyed-plan.ts";
import { type FileRequest, type LoadedFile, Program } from "../../src/graph/link/program.ts";
import { errorRanges } from "../../src/graph/parse-mistakes.ts";
import type { Plan, PlannedStage, PlannedStep, StepDefinition } from "../../src/graph/plan.ts";
import type { PlanOptions } from "../../src/graph/plan-options.ts";
import { planSteps } from "../../src/graph/plan-steps.ts";
import { parseLightfile } from "../../src/lightfile/parse.ts";
import type { BaseImage } from "../../src/model/base-image.ts";
import { sha256Digest } from "../../src/model/identifiers.ts";
import { emptyConfiguration, type SandboxConfiguration } from "../../src/model/sandbox-configuration.ts";
import type { ContextSource } from "../../src/model/step-operation.ts";

export interface PlanTestOptions {
  readonly buildArguments?: Readonly<Record<string, string>>;
  readonly target?: string | null;
  readonly platform?: string;
  /** Of every base image. */
  readonly configuration?: Partial<SandboxConfiguration>;
  /** Digit that every base image's digest is made of. */
  readonly imageDigit?: string;
  /** The word of steps that are never found in the cache. */
  readonly freshness?: string;
  /** Texts of other Lightfiles by absolute path; the planned one is `/project/Lightfile`. */
  readonly files?: Readonly<Record<string, string>>;
  /** Of the context. */
  readonly contextDirectory?: string;
}

function optionsFor({
  buildArguments = {},
  target = null,
  platform = "linux/amd64",
}: PlanTestOptions): PlanOptions {
  return { buildArguments, target, platform };
}

export function testImage(reference: string, options: PlanTestOptions = {}): BaseImage {
  return {
    reference,
    digest: sha256Digest(`sha256:${(options.imageDigit ?? "a").repeat(64)}`),
    platform: options.platform ?? "linux/amd64",
    configuration: { ...emptyConfiguration, ...options.configuration },
  };
}

/** Parses and plans a text on images that are all found. */
export function planText(text: string, options: PlanTestOptions = {}) {
  const entry = loadText("Lightfile", text, { path: "/project/Lightfile", ...options });
  const planOptions = optionsFor(options);
  const program = new Program(entry.file, planOptions.buildArguments);
  const early: Diagnostic[] = [];
  let references = findReferences(program, planOptions);
  while (references.value.files.length > 0) {
    for (const request of references.value.files) early.push(...joinText(program, request, options));
    references = findReferences(program, planOptions);
  }
  const { images } = references.value;
  const bases = new Map(images.map(({ reference }) => [reference, testImage(reference, options)]));
  const planned = planSteps(program, { ...planOptions, bases });
  return {
    plan: planned.value,
    contextSteps: planned.contextSteps,
    program,
    references: images,
    earlyDiagnostics: [...early, ...references.diagnostics],
    diagnostics: [...entry.diagnostics, ...early, ...planned.diagnostics],
  };
}

function loadText(
  name: string,
  text: string,
  { path, contextDirectory = posix.dirname(path) }: { path: string; contextDirectory?: string },
): { file: LoadedFile; diagnostics: readonly Diagnostic[] } {
  const { value: tree, diagnostics } = parseLightfile({ path: name, text });
  const context = { directory: contextDirectory, lightfilePath: path };
  const parseErrors = errorRanges(diagnostics);
  return { file: { identity: path, tree, context, parseErrors }, diagnostics };
}

const loadedTexts = new WeakMap<Program, Map<string, LoadedFile>>();

function joinText(
  program: Program,
  request: FileRequest,
  { files = {} }: PlanTestOptions,
): readonly Diagnostic[] {
  if (request.reference.kind === "git") {
    program.settle(request, "nowhere");
    return [];
  }
  const path = posix.resolve(request.from.context.directory, request.reference.path);
  const text = files[path];
  if (text === undefined) {
    program.settle(request, "nowhere");
    return [];
  }
  const known = loadedTexts.get(program) ?? new Map<string, LoadedFile>();
  loadedTexts.set(program, known);
  const loaded = loadText(posix.relative("/project", path), text, { path });
  const file = known.get(path) ?? loaded.file;
  known.set(path, file);
  return [...loaded.diagnostics, ...program.join(request, file).diagnostics];
}

/** The plan of a text that has no mistakes. */
export function planOf(text: string, options: PlanTestOptions = {}): Plan {
  const { plan, diagnostics } = planText(text, options);
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === "error");
  if (plan === null || errors.length > 0) throw new Error(`not planned: ${shown(errors).join("\n")}`);
  return plan;
}

export function lastStage(plan: Plan): PlannedStage {
  const stage = plan.stages.find((one) => one.index === plan.target);
  if (stage === undefined) throw new Error("the plan has no target stage");
  return stage;
}

export function stepsOf(text: string, options: PlanTestOptions = {}): readonly PlannedStep[] {
  return lastStage(planOf(text, options)).steps;
}

export function definitionsOf(text: string, options: PlanTestOptions = {}): readonly StepDefinition[] {
  return stepsOf(text, options).map((step) => step.definition);
}

/** The instructions in these lines, in a stage on an image. */
export function inStage(...lines: readonly string[]): string {
  return `FROM debian:12\n${lines.join("\n")}\n`;
}

/** `severity Code line:column marked text | message | hint` per diagnostic. */
export function shown(diagnostics: readonly Diagnostic[]): readonly string[] {
  return diagnostics.map(({ severity, code, message, hint, source, range }) => {
    const { line, column } = positionAt(source, range.start);
    const marked = source.text.slice(range.start, range.end);
    const parts = [`${severity} ${code} ${line}:${column} ${marked}`, message];
    return [...parts, ...(hint === undefined ? [] : [hint])].join(" | ");
  });
}

/** The diagnostics of a text, as {@link shown}. */
export function mistakesIn(text: string, options: PlanTestOptions = {}): readonly string[] {
  return shown(planText(text, options).diagnostics);
}

/** Keys of a plan whose COPYs all select `sources`. */
export async function keyedPlanOf(
  text: string,
  options: PlanTestOptions & { readonly sources?: readonly ContextSource[] } = {},
): Promise<KeyedPlan> {
  const plan = planOf(text, options);
  const inputs: StepInputs = new Map(
    plan.stages.flatMap((stage) => stage.steps).map((step) => [step.id, options.sources ?? []]),
  );
  return keyPlan(plan, {
    inputs,
    hasher: await loadHasher(),
    ground: null,
    freshness: options.freshness ?? "once",
  });
}

/** The keys by step id. */
export async function keysOf(
  text: string,
  options: PlanTestOptions & { readonly sources?: readonly ContextSource[] } = {},
): Promise<Readonly<Record<string, string>>> {
  const keyed = await keyedPlanOf(text, options);
  return Object.fromEntries(
    keyed.stages.flatMap((stage) => stage.steps.map((step) => [step.step.id, step.key])),
  );
}
