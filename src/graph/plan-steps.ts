import { type Diagnosed, type Diagnostic, hasErrors } from "../diagnostics/diagnostic.ts";
import { unreachable } from "../diagnostics/unreachable.ts";
import type { BaseImage } from "../model/base-image.ts";
import { imagesOf } from "./base-references.ts";
import { type Draft, type DraftStage, draftStages } from "./draft-stages.ts";
import { Findings } from "./findings.ts";
import type { Program } from "./link/program.ts";
import { describeReference } from "./link/reference.ts";
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
import type { DraftDefinition, ImageReference } from "./stage-builder.ts";

export interface PlanStepsOptions extends PlanOptions {
  /** The looked-up images, by the references of {@link findBaseReferences}. */
  readonly bases: ReadonlyMap<string, BaseImage>;
}

/** The steps of the target and of all that it needs; null when a file has errors. */
export function planSteps(program: Program, options: PlanStepsOptions): Diagnosed<Plan | null> {
  const draft = draftStages(program, options, options.bases);
  const findings = new Findings(program.entry.tree.source);
  requireFiles(draft, findings);
  requireImages(draft, options.bases, findings);
  const diagnostics: readonly Diagnostic[] = [...draft.diagnostics, ...findings.diagnostics];
  if (draft.target === null || hasErrors(diagnostics)) return { value: null, diagnostics };
  return { value: toPlan(draft, draft.target, options.bases), diagnostics };
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
function requireImages(draft: Draft, bases: ReadonlyMap<string, BaseImage>, findings: Findings): void {
  for (const { reference, source, range } of imagesOf(draft)) {
    if (bases.has(reference)) continue;
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
    const image = base.kind === "image" ? bases.get(base.reference) : images.get(base.index);
    if (image === undefined) throw new Error(`internal error: stage ${stage.index} has no image`);
    images.set(stage.index, image);
    stages.push(toStage(stage, image, bases));
  }
  const last = draft.stages.find((stage) => stage.index === target);
  return { stages, target, snapshotName: last?.builder.snapshotName ?? null };
}

function toStage(stage: DraftStage, image: BaseImage, bases: ReadonlyMap<string, BaseImage>): PlannedStage {
  return {
    index: stage.index,
    name: stage.name,
    base: stage.base.kind === "image" ? { kind: "image" } : stage.base,
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
