import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Range } from "../diagnostics/source-file.ts";
import type { LightfileTree } from "../lightfile/ast.ts";
import type { BaseImage } from "../model/base-image.ts";
import { defaultPath, emptyConfiguration } from "../model/sandbox-configuration.ts";
import { Findings } from "./findings.ts";
import { readGlobalScope, warnUndeclaredArguments } from "./global-scope.ts";
import { readInstruction } from "./instructions/read-instruction.ts";
import { defaultDiskSizeMib } from "./plan.ts";
import type { PlanOptions } from "./plan-options.ts";
import { StageBuilder, type StageEnd, type StageSource } from "./stage-builder.ts";
import { StageSourceReader } from "./stage-sources.ts";
import { findTarget, type StageText, splitStages, stageLabel } from "./stages.ts";

/** A stage that has been read, its images still references. */
export interface DraftStage {
  readonly text: StageText;
  readonly base: StageSource;
  readonly builder: StageBuilder;
  readonly end: StageEnd;
  /** Every other stage and image that it reads, with the place that says so. */
  readonly sources: readonly { readonly source: StageSource; readonly range: Range }[];
}

export interface Draft {
  /** The target and all that it needs, in file order. */
  readonly stages: readonly DraftStage[];
  readonly target: StageText | null;
  readonly allStages: readonly StageText[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads every stage in file order, then keeps those that the target needs and what was said about them.
 * `bases` is null before images are looked up; see {@link Scope} for what is not judged then.
 */
export function draftStages(
  tree: LightfileTree,
  options: PlanOptions,
  bases: ReadonlyMap<string, BaseImage> | null,
): Draft {
  const findings = new Findings(tree.source);
  const { globalArguments, stages } = splitStages(tree, findings);
  const target = findTarget(stages, options.target, findings);
  const globalScope = readGlobalScope({ tree, globalArguments, options, findings });
  warnUndeclaredArguments({ tree, options, findings });

  const drafts: (DraftStage | null)[] = [];
  const stageFindings: Findings[] = [];
  for (const stage of stages) {
    const own = new Findings(tree.source);
    stageFindings.push(own);
    drafts.push(draftStage(stage, own));
  }
  const needed = target === null ? [] : neededStages(drafts, target.index);
  return {
    stages: needed.flatMap((index) => drafts[index] ?? []),
    target,
    allStages: stages,
    diagnostics: [
      ...findings.diagnostics,
      ...needed.flatMap((index) => stageFindings[index]?.diagnostics ?? []),
    ],
  };

  function draftStage(text: StageText, own: Findings): DraftStage | null {
    const reader = new StageSourceReader({
      tree,
      stages,
      text,
      platform: options.platform,
      globalScope,
      findings: own,
    });
    const base = reader.readBase();
    if (base === null) return null;
    const sources: { source: StageSource; range: Range }[] = [];
    const parent = base.kind === "stage" ? drafts[base.index] : undefined;
    const image = base.kind === "image" ? bases?.get(base.reference) : undefined;
    const complete =
      base.kind === "stage" ? (parent?.builder.surroundings.complete ?? false) : image !== undefined;
    const builder = new StageBuilder(
      {
        tree,
        findings: own,
        buildArguments: options.buildArguments,
        globalVariables: globalScope.values,
        complete,
        index: text.index,
        label: stageLabel(text, stages),
        onStage: base.kind === "stage",
        findSource(reference, range) {
          const source = reader.findCopySource(reference, range);
          if (source !== null) sources.push({ source, range });
          return source;
        },
      },
      parent?.end ?? imageEnd(image),
    );
    for (const instruction of text.instructions) readInstruction(builder, instruction);
    return { text, base, builder, end: builder.finish(), sources };
  }
}

function imageEnd(image: BaseImage | undefined): StageEnd {
  const configuration = image?.configuration ?? emptyConfiguration;
  const environment = { PATH: defaultPath, ...configuration.environment };
  return {
    configuration: { ...configuration, environment },
    variables: new Map(image === undefined ? [] : Object.entries(environment)),
    unsureVariables: new Set(),
    resources: { cpus: null, memoryMib: null, diskSizeMib: defaultDiskSizeMib },
  };
}

/** The target and everything below it, ascending. */
function neededStages(drafts: readonly (DraftStage | null)[], target: number): readonly number[] {
  const needed = new Set<number>();
  const waiting = [target];
  for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
    if (needed.has(index)) continue;
    needed.add(index);
    const draft = drafts[index];
    if (draft === null || draft === undefined) continue;
    for (const source of [draft.base, ...draft.sources.map((one) => one.source)]) {
      if (source.kind === "stage") waiting.push(source.index);
    }
  }
  return [...needed].sort((left, right) => left - right);
}
