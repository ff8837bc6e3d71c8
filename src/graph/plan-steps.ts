import { type Diagnosed, type Diagnostic, hasErrors } from "../diagnostics/diagnostic.ts";
import type { Range } from "../diagnostics/source-file.ts";
import type { LightfileTree } from "../lightfile/ast.ts";
import type { BaseImage } from "../model/base-image.ts";
import { type Draft, type DraftStage, draftStages } from "./draft-stages.ts";
import { Findings } from "./findings.ts";
import type { ParseMistakes } from "./parse-mistakes.ts";
import type { Plan, PlannedStage, PlannedStep, StepDefinition } from "./plan.ts";
import type { PlanOptions } from "./plan-options.ts";
import type { DraftDefinition, StageSource } from "./stage-builder.ts";

export interface PlanStepsOptions extends PlanOptions {
  /** The looked-up images, by the references of {@link findBaseReferences}. */
  readonly bases: ReadonlyMap<string, BaseImage>;
  /** References that were looked up in vain: whoever did that has told of it. */
  readonly missing?: ReadonlySet<string>;
}

export interface PlannedFile extends Diagnosed<Plan | null> {
  /** The steps that copy from the context, also of a file with errors; only the sources whose names are certain. */
  readonly contextCopies: readonly PlannedStep[];
}

/** The steps of the target and of all that it needs; null when the file has errors or an image is missing. */
export function planSteps(tree: LightfileTree, options: PlanStepsOptions): PlannedFile {
  const draft = draftStages(tree, options, options.bases);
  const findings = new Findings(tree.source);
  requireImages(draft, options, findings);
  const diagnostics: readonly Diagnostic[] = [...draft.diagnostics, ...findings.diagnostics];
  const contextCopies = draft.stages.flatMap((stage) => copiesIn(stage, draft.mistakes));
  const isWhole = draft.stages.every((stage) => stage.base !== null) && (options.missing?.size ?? 0) === 0;
  const hasPlan = isWhole && (options.parseErrors ?? []).length === 0 && !hasErrors(diagnostics);
  const value = draft.target === null || !hasPlan ? null : toPlan(draft, draft.target.index, options.bases);
  return { value, contextCopies, diagnostics };
}

function copiesIn({ builder }: DraftStage, mistakes: ParseMistakes): readonly PlannedStep[] {
  return builder.steps.flatMap((step): readonly PlannedStep[] => {
    const { definition, id } = step;
    if (definition.kind !== "copy" || definition.source.kind !== "context") return [];
    if (builder.unsureSteps.has(id)) return [];
    const { source } = definition;
    const patterns = source.patterns.filter(
      (pattern) => pattern.kind === "inline" || !mistakes.overlap(pattern.range),
    );
    return [{ ...step, definition: { ...definition, source: { ...source, patterns } } }];
  });
}

/** Every image is there, unless its name rests on the environment of another image. */
function requireImages(
  draft: Draft,
  { bases, missing }: Pick<PlanStepsOptions, "bases" | "missing">,
  findings: Findings,
): void {
  const require = (reference: string, range: Range): void => {
    if (bases.has(reference) || missing?.has(reference)) return;
    findings.error("BaseNotResolved", `the image ${reference} was not looked up`, range, {
      hint: "an image's name must not depend on a variable that another image sets; name it with an ARG",
    });
  };
  for (const stage of draft.stages) {
    if (stage.base?.kind === "image") require(stage.base.reference, stage.text.from.image.range);
    for (const { source, range } of stage.sources) {
      if (source.kind === "image") require(source.reference, range);
    }
  }
}

function toPlan(draft: Draft, target: number, bases: ReadonlyMap<string, BaseImage>): Plan {
  const stages: PlannedStage[] = [];
  const images = new Map<number, BaseImage>();
  for (const stage of draft.stages) {
    const { base } = stage;
    const image = base?.kind === "image" ? bases.get(base.reference) : images.get(base?.index ?? -1);
    if (base === null || image === undefined)
      throw new Error(`internal error: stage ${stage.text.index} has no image`);
    images.set(stage.text.index, image);
    stages.push(toStage(stage, { base, image, bases }));
  }
  const last = draft.stages.find((stage) => stage.text.index === target);
  return { stages, target, snapshotName: last?.builder.snapshotName ?? null };
}

interface StageGround {
  readonly base: StageSource;
  readonly image: BaseImage;
  readonly bases: ReadonlyMap<string, BaseImage>;
}

function toStage(stage: DraftStage, { base, image, bases }: StageGround): PlannedStage {
  return {
    index: stage.text.index,
    name: stage.text.name,
    base: base.kind === "image" ? { kind: "image" } : base,
    image,
    resources: stage.end.resources,
    steps: stage.builder.steps.map(
      (step): PlannedStep => ({ ...step, definition: toDefinition(step.definition, bases) }),
    ),
    configuration: stage.end.configuration,
    history: stage.builder.history,
  };
}

function toDefinition(definition: DraftDefinition, bases: ReadonlyMap<string, BaseImage>): StepDefinition {
  if (definition.kind !== "copy") return definition;
  const { source } = definition;
  if (source.kind !== "image") return { ...definition, source };
  const image = bases.get(source.reference);
  if (image === undefined) throw new Error(`internal error: image ${source.reference} was not looked up`);
  return { ...definition, source: { kind: "image", image, paths: source.paths } };
}
