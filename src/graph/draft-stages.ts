import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Range } from "../diagnostics/source-file.ts";
import type { LightfileTree } from "../lightfile/ast.ts";
import type { BaseImage } from "../model/base-image.ts";
import { defaultPath, emptyConfiguration } from "../model/sandbox-configuration.ts";
import { Findings } from "./findings.ts";
import { readGlobalScope, warnUndeclaredArguments } from "./global-scope.ts";
import { readInstruction } from "./instructions/read-instruction.ts";
import { ParseMistakes } from "./parse-mistakes.ts";
import { defaultDiskSizeMib } from "./plan.ts";
import type { PlanOptions } from "./plan-options.ts";
import { StageBuilder, type StageEnd, type StageSource } from "./stage-builder.ts";
import { StageSourceReader } from "./stage-sources.ts";
import { findTarget, type StageText, splitStages, stageLabel } from "./stages.ts";

/** A stage that has been read, its images still references. */
export interface DraftStage {
  readonly text: StageText;
  /** Null when it is not known: a diagnostic of this file, or of the parser, says why. */
  readonly base: StageSource | null;
  readonly builder: StageBuilder;
  readonly end: StageEnd;
  /** Every other stage and image that it reads, with the place that says so. */
  readonly sources: readonly { readonly source: StageSource; readonly range: Range }[];
}

/** A stage whose FROM has been read. */
interface OpenedStage {
  readonly text: StageText;
  readonly findings: Findings;
  readonly reader: StageSourceReader;
  readonly base: StageSource | null;
}

export interface Draft {
  /** The target and all that it needs, in file order. */
  readonly stages: readonly DraftStage[];
  readonly target: StageText | null;
  readonly allStages: readonly StageText[];
  readonly mistakes: ParseMistakes;
  /** None that only follows from a mistake that the parser has reported. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads the target's stage and those that it needs, each after the one that it stands on.
 * `bases` is null before images are looked up; see {@link Scope} for what is not judged then.
 */
export function draftStages(
  tree: LightfileTree,
  options: PlanOptions,
  bases: ReadonlyMap<string, BaseImage> | null,
): Draft {
  const findings = new Findings(tree.source);
  const mistakes = new ParseMistakes(options.parseErrors ?? []);
  const { globalArguments, stages } = splitStages(tree, findings);
  const target = findTarget(stages, options.target, findings);
  const globalScope = readGlobalScope({
    tree,
    globalArguments,
    options,
    findings,
    mistakes,
    complete: isReadBefore(stages[0], tree, mistakes),
  });
  warnUndeclaredArguments({ tree, options, findings, mistakes });

  const drafts = new Map<number, DraftStage>();
  const waiting = target === null ? [] : [target.index];
  for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
    for (const { sources } of draftChain(index)) {
      for (const { source } of sources) if (source.kind === "stage") waiting.push(source.index);
    }
  }
  const needed = [...drafts.values()].sort((left, right) => left.text.index - right.text.index);
  return {
    stages: needed,
    target,
    allStages: stages,
    mistakes,
    diagnostics: [
      ...findings.diagnostics,
      ...needed.flatMap((stage) => stage.builder.findings.diagnostics),
    ].filter(({ range }) => !mistakes.overlap(range)),
  };

  /** Reads a stage and those that it stands on, as far as they are not read yet. */
  function draftChain(index: number): readonly DraftStage[] {
    const chain: OpenedStage[] = [];
    for (let at: number | null = index; at !== null && !drafts.has(at); ) {
      const text = stages[at];
      if (text === undefined) throw new Error(`internal error: there is no stage ${at}`);
      const opened = openStage(text);
      chain.push(opened);
      // Always an earlier one, so this ends.
      at = opened.base?.kind === "stage" ? opened.base.index : null;
    }
    return chain.reverse().map((opened) => {
      const draft = draftStage(opened);
      drafts.set(draft.text.index, draft);
      return draft;
    });
  }

  function openStage(text: StageText): OpenedStage {
    const own = new Findings(tree.source);
    const { platform } = options;
    const reader = new StageSourceReader({ tree, stages, text, platform, globalScope, findings: own });
    return { text, findings: own, reader, base: reader.readBase() };
  }

  function draftStage({ text, findings: own, reader, base }: OpenedStage): DraftStage {
    const sources: { source: StageSource; range: Range }[] = [];
    const parent = base?.kind === "stage" ? drafts.get(base.index) : undefined;
    const image = base?.kind === "image" ? bases?.get(base.reference) : undefined;
    const isBaseComplete = parent?.builder.surroundings.complete ?? image !== undefined;
    const isRead =
      globalScope.complete &&
      !text.holdsOutsiders &&
      !text.instructions.some((instruction) => mistakes.hideVariables(instruction));
    const builder: StageBuilder = new StageBuilder(
      {
        tree,
        findings: own,
        buildArguments: options.buildArguments,
        globalScope,
        complete: isBaseComplete && isRead,
        index: text.index,
        label: stageLabel(text, stages),
        onStage: base?.kind === "stage",
        findSource(reference, range) {
          if (builder.scope.restsOnUnknown) return null;
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

/** Whether all instructions before the first stage could be read. */
function isReadBefore(first: StageText | undefined, tree: LightfileTree, mistakes: ParseMistakes): boolean {
  const end = first?.from.range.start ?? 0;
  return !tree.instructions.some(
    (instruction) => instruction.range.start < end && mistakes.hideVariables(instruction),
  );
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
