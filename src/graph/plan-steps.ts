import { type Diagnosed, type Diagnostic, hasErrors } from "../diagnostics/diagnostic.ts";
import type { Range } from "../diagnostics/source-file.ts";
import { unreachable } from "../diagnostics/unreachable.ts";
import type { BaseImage } from "../model/base-image.ts";
import { imagesOf } from "./base-references.ts";
import { type Draft, draftStages } from "./draft-stages.ts";
import type { DraftDefinition, DraftStep, ImageReference, StageSource } from "./draft-step.ts";
import { Findings } from "./findings.ts";
import type { Program } from "./link/program.ts";
import { describeReference } from "./link/reference.ts";
import type { ParseMistakes } from "./parse-mistakes.ts";
import type {
  LookedUpImage,
  MountDefinition,
  MountSource,
  Plan,
  PlannedStage,
  PlannedStep,
  StepDefinition,
} from "./plan.ts";
import type { PlanOptions } from "./plan-options.ts";
import type { DraftStage } from "./stage-reader.ts";

export interface PlanStepsOptions extends PlanOptions {
  /** The looked-up images, by the references of {@link findBaseReferences}. */
  readonly bases: ReadonlyMap<string, BaseImage>;
  /** References that were looked up in vain: whoever did that has told of it. */
  readonly missing?: ReadonlySet<string>;
}

export interface PlannedProgram extends Diagnosed<Plan | null> {
  /**
   * The steps that take files of a context, also of a file with errors; only the sources whose names are certain, and
   * of the mounts of a RUN only those of files.
   */
  readonly contextSteps: readonly PlannedStep[];
}

/** The steps of the target and of all that it needs; null when a file has errors or an image is missing. */
export function planSteps(program: Program, options: PlanStepsOptions): PlannedProgram {
  const draft = draftStages(program, options, options.bases);
  const findings = new Findings(program.entry.tree.source);
  requireFiles(draft, findings);
  requireImages(draft, options, findings);
  const diagnostics: readonly Diagnostic[] = [...draft.diagnostics, ...findings.diagnostics];
  const contextSteps = contextStepsOf(draft);
  const isWhole = draft.stages.every((stage) => stage.base !== null) && (options.missing?.size ?? 0) === 0;
  const hasPlan = isWhole && !hasParseErrors(draft) && !hasErrors(diagnostics);
  const value = draft.target === null || !hasPlan ? null : toPlan(draft, draft.target, options.bases);
  return { value, contextSteps, diagnostics };
}

function hasParseErrors({ mistakes }: Draft): boolean {
  return [...mistakes.values()].some((one) => !one.isEmpty);
}

/** See {@link PlannedProgram.contextSteps}. */
export function contextStepsOf({ stages, mistakes }: Draft): readonly PlannedStep[] {
  return stages.flatMap(({ builder }) =>
    builder.steps.flatMap((step): readonly PlannedStep[] => {
      if (builder.unsureSteps.has(step.id)) return [];
      const definition = onlyContext(step, mistakes.get(step.source));
      return definition === null ? [] : [{ ...step, definition }];
    }),
  );
}

/** What the step takes of a context; null: nothing. */
function onlyContext(
  { definition, range }: DraftStep,
  mistakes: ParseMistakes | undefined,
): StepDefinition | null {
  const isCertain = ({ range }: { readonly range: Range }): boolean => mistakes?.overlap(range) !== true;
  switch (definition.kind) {
    case "copy": {
      const { source } = definition;
      if (source.kind !== "context") return null;
      const patterns = source.patterns.filter((pattern, index, all) => {
        if (pattern.kind === "inline") return true;
        // A comment behind the instruction makes a source of the word before it, which is the destination.
        const next = all[index + 1];
        const end = next === undefined || next.kind === "inline" ? range.end : next.range.end;
        return isCertain({ range: { start: pattern.range.start, end } });
      });
      return { ...definition, source: { ...source, patterns } };
    }
    case "run": {
      const mounts = definition.mounts.flatMap((mount): readonly MountDefinition<LookedUpImage>[] => {
        if (mount.kind === "bind") {
          const { content } = mount;
          return content.kind === "context" && isCertain(content) ? [{ ...mount, content }] : [];
        }
        if (mount.kind !== "cache" || mount.seed?.kind !== "context") return [];
        const { seed } = mount;
        return isCertain(seed) ? [{ ...mount, seed }] : [];
      });
      return mounts.length === 0 ? null : { ...definition, mounts };
    }
    case "make-directories":
      return null;
    default:
      return unreachable(definition);
  }
}

/** Every file is there, unless its name rests on the environment of an image. */
function requireFiles(draft: Draft, findings: Findings): void {
  for (const { source, range, reference } of draft.missing) {
    const message = `the Lightfile ${describeReference(reference)} was not read`;
    findings.within(source).error("LightfileNotRead", message, range, {
      hint: "a Lightfile's name must not depend on a variable that an image sets; name it with an ARG",
    });
  }
}

/** Every image is there, unless its name rests on the environment of another image. */
function requireImages(
  draft: Draft,
  { bases, missing }: Pick<PlanStepsOptions, "bases" | "missing">,
  findings: Findings,
): void {
  for (const { reference, source, range } of imagesOf(draft)) {
    if (bases.has(reference) || missing?.has(reference)) continue;
    findings.within(source).error("BaseNotResolved", `the image ${reference} was not looked up`, range, {
      hint: "an image's name must not depend on a variable that another image sets; name it with an ARG",
    });
  }
}

function toPlan(draft: Draft, target: number, bases: ReadonlyMap<string, BaseImage>): Plan {
  const stages: PlannedStage[] = [];
  const images = new Map<number, BaseImage>();
  for (const stage of draft.stages) {
    const { base } = stage;
    const image = base?.kind === "image" ? bases.get(base.reference) : images.get(base?.index ?? -1);
    if (base === null || image === undefined)
      throw new Error(`internal error: stage ${stage.index} has no image`);
    images.set(stage.index, image);
    stages.push(toStage(stage, { base, image, bases }));
  }
  const last = draft.stages.find((stage) => stage.index === target);
  return { stages, target, snapshotName: last?.builder.snapshotName ?? null };
}

interface StageGround {
  readonly base: StageSource;
  readonly image: BaseImage;
  readonly bases: ReadonlyMap<string, BaseImage>;
}

function toStage(stage: DraftStage, { base, image, bases }: StageGround): PlannedStage {
  return {
    index: stage.index,
    name: stage.name,
    base: base.kind === "image" ? { kind: "image" } : base,
    image,
    resources: stage.end.resources,
    steps: stage.builder.steps.map(
      (step): PlannedStep => ({ ...step, definition: toDefinition(step.definition, bases) }),
    ),
    configuration: stage.end.configuration,
    tests: stage.builder.tests,
    history: stage.builder.history,
  };
}

/** The definition with its images looked up. */
function toDefinition(definition: DraftDefinition, bases: ReadonlyMap<string, BaseImage>): StepDefinition {
  switch (definition.kind) {
    case "run": {
      const { mounts } = definition;
      return { ...definition, mounts: mounts.map((mount) => toMount(mount, bases)) };
    }
    case "copy": {
      const { source } = definition;
      if (source.kind !== "image") return { ...definition, source };
      return { ...definition, source: lookUp(source, bases) };
    }
    case "make-directories":
      return definition;
    default:
      return unreachable(definition);
  }
}

function toMount(
  mount: MountDefinition<ImageReference>,
  bases: ReadonlyMap<string, BaseImage>,
): MountDefinition<LookedUpImage> {
  const toSource = (source: MountSource<ImageReference>): MountSource<LookedUpImage> =>
    source.kind === "image" ? lookUp(source, bases) : source;
  if (mount.kind === "bind") return { ...mount, content: toSource(mount.content) };
  if (mount.kind === "cache") return { ...mount, seed: mount.seed === null ? null : toSource(mount.seed) };
  return mount;
}

function lookUp<Source extends ImageReference>(
  source: Source,
  bases: ReadonlyMap<string, BaseImage>,
): Omit<Source, "reference"> & LookedUpImage {
  const { reference, ...rest } = source;
  const image = bases.get(reference);
  if (image === undefined) throw new Error(`internal error: image ${reference} was not looked up`);
  return { ...rest, image };
}
