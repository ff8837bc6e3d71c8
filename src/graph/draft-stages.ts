import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { SourceFile } from "../diagnostics/source-file.ts";
import type { BaseImage } from "../model/base-image.ts";
import { withoutRepeats, withoutToldBefore } from "./findings.ts";
import { warnUndeclaredArguments } from "./global-scope.ts";
import type { OpenFile } from "./link/open-file.ts";
import { OpenFiles } from "./link/open-files.ts";
import type { FileRequest, Program } from "./link/program.ts";
import { neededStages } from "./needed-stages.ts";
import type { ParseMistakes } from "./parse-mistakes.ts";
import type { PlanOptions } from "./plan-options.ts";
import { type DraftStage, type PendingStage, StageReader, type StageReading } from "./stage-reader.ts";
import { findTarget, type StageText } from "./stages.ts";

export interface Draft {
  /** The target and all that it needs, each after those that it needs. */
  readonly stages: readonly DraftStage[];
  /** Index in the program. */
  readonly target: number | null;
  /** The stages of the file that is baked. */
  readonly allStages: readonly StageText[];
  /** The files that the target needs and that are not in the program yet. */
  readonly missing: readonly FileRequest[];
  /** Where the parser has found errors in files that were read. */
  readonly mistakes: ReadonlyMap<SourceFile, ParseMistakes>;
  /** None that only follows from a mistake that the parser has reported. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads the stages that the target needs, of every file of the program.
 * `bases` is null before images are looked up; see {@link Scope} for what is not judged then.
 */
export function draftStages(
  program: Program,
  options: PlanOptions,
  bases: ReadonlyMap<string, BaseImage> | null,
): Draft {
  return new Drafting(program, options, bases).run();
}

class Drafting {
  readonly #program: Program;
  readonly #options: PlanOptions;
  readonly #files: OpenFiles;
  readonly #stages: StageReader;
  readonly #readings = new Map<number, StageReading>();

  constructor(program: Program, options: PlanOptions, bases: ReadonlyMap<string, BaseImage> | null) {
    this.#program = program;
    this.#options = options;
    this.#files = new OpenFiles(options);
    this.#stages = new StageReader({ program, options, bases, files: this.#files });
  }

  run(): Draft {
    const entry = this.#files.open(this.#program.entry);
    const roots = this.#roots(entry);
    const order = neededStages(roots, (index) => this.#read(index).needs);
    this.#stages.checkUnusedMixins(entry);
    warnUndeclaredArguments({
      tree: entry.file.tree,
      options: this.#options,
      findings: entry.findings,
      mistakes: entry.mistakes,
    });
    const mistakes = new Map(this.#files.all.map((open) => [open.file.tree.source, open.mistakes]));
    const readings = order.flatMap((index) => this.#readings.get(index) ?? []);
    const baked = this.#bakedStages(roots);
    const found = [
      ...this.#files.all.map(({ findings }) => findings.diagnostics),
      // These first: of what is told twice, the first counts.
      ...readings.flatMap(({ draft, findings }) => (baked.has(draft.index) ? [findings.diagnostics] : [])),
      ...readings.flatMap(({ draft, findings }) =>
        baked.has(draft.index) ? [] : [findings.diagnostics.map(milderUnbaked)],
      ),
    ];
    return {
      stages: readings.map(({ draft }) => draft),
      target: roots.at(-1) ?? null,
      allStages: entry.texts.stages,
      missing: readings.flatMap(({ missing }) => missing),
      mistakes,
      diagnostics: withoutToldBefore(withoutRepeats(found.flat())).filter(
        ({ source, range }) => mistakes.get(source)?.overlap(range) !== true,
      ),
    };
  }

  /** Those that a bake without a target reads. */
  #bakedStages(roots: readonly number[]): ReadonlySet<number> {
    const last = roots.at(-1);
    return new Set(last === undefined ? [] : neededStages([last], (index) => this.#read(index).needs));
  }

  #roots({ texts, findings, mistakes }: OpenFile): readonly number[] {
    const all = texts.stages.map((stage) => stage.index);
    if (this.#options.everyStage === true) return all;
    const [mixin] = texts.mixins;
    // The parser says so of every other file: one that others import for its mixins is right as it is.
    if (mixin !== undefined && texts.stages.length === 0) {
      findings.error("NoStage", "the file has mixins and no stage to bake", mixin.mixin.keyword.range, {
        hint: "bake a file that imports it, or add a FROM line with the image to start from",
      });
    }
    const target = findTarget(texts.stages, this.#options.target, findings);
    if (target === null) return [];
    // A FROM that could not be read may have named any stage, or have been meant for another line of the one before.
    const others = mistakes.overlap(target.from.range) ? all : [];
    return [...others.filter((index) => index !== target.index), target.index];
  }

  /** The stage, after those below it: a chain of bases may be longer than a call stack. */
  #read(index: number): StageReading {
    const chain: PendingStage[] = [];
    for (let at: number | undefined = index; at !== undefined && !this.#readings.has(at); ) {
      const pending = this.#stages.begin(at);
      chain.push(pending);
      at = pending.base?.kind === "stage" ? pending.base.index : undefined;
    }
    for (const pending of chain.reverse()) {
      const { index: at, base } = pending;
      const below = base?.kind === "stage" ? this.#readings.get(base.index) : undefined;
      this.#readings.set(at, this.#stages.finish(pending, below));
    }
    const reading = this.#readings.get(index);
    if (reading === undefined) throw new Error(`internal error: stage ${index} was not read`);
    return reading;
  }
}

/** What has no place in a bake is a mistake only where a bake reads it: a stage that nothing needs may be for Docker. */
const ofBakedStages: ReadonlySet<string> = new Set(["UnsupportedBase", "NotSupportedYet"]);

function milderUnbaked(diagnostic: Diagnostic): Diagnostic {
  return ofBakedStages.has(diagnostic.code) ? { ...diagnostic, severity: "warning" } : diagnostic;
}
