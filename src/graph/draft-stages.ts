import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { SourceFile } from "../diagnostics/source-file.ts";
import type { LightfileTree } from "../lightfile/ast.ts";
import type { BaseImage } from "../model/base-image.ts";
import { defaultPath, emptyConfiguration } from "../model/sandbox-configuration.ts";
import type { ArgumentGiver } from "./argument-giver.ts";
import { Findings } from "./findings.ts";
import { readGlobalScope, warnUndeclaredArguments } from "./global-scope.ts";
import { readInstruction } from "./instructions/read-instruction.ts";
import { replayTriggers } from "./instructions/replay-triggers.ts";
import { checkMixin } from "./link/check-mixin.ts";
import { mostUses, readUse, type UseSurroundings } from "./link/mixins.ts";
import { OpenFile } from "./link/open-file.ts";
import type { FileRequest, Program, ProgramFile } from "./link/program.ts";
import { ParseMistakes } from "./parse-mistakes.ts";
import { defaultDiskSizeMib } from "./plan.ts";
import type { PlanOptions } from "./plan-options.ts";
import { proxyArguments } from "./predefined-arguments.ts";
import { StageBuilder, type StageEnd, type StageSource, type StageSurroundings } from "./stage-builder.ts";
import { type NamedSource, StageSourceReader } from "./stage-sources.ts";
import {
  type FileTexts,
  findTarget,
  type MixinText,
  type StageText,
  splitStages,
  stageLabel,
} from "./stages.ts";

/** A stage that has been read, its images still references. */
export interface DraftStage {
  /** In the program. */
  readonly index: number;
  readonly file: ProgramFile;
  /** With the file's label before it in a joined file; null: a stage without name in the file that is baked. */
  readonly name: string | null;
  readonly text: StageText;
  /** Null when it is not known: a diagnostic of its file, or of the parser, says why. */
  readonly base: StageSource | null;
  readonly builder: StageBuilder;
  readonly end: StageEnd;
  /** Every other stage and image that it reads, with the place that says so. */
  readonly sources: readonly NamedSource[];
}

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

/** A stage as far as it could be read. */
interface Reading {
  readonly draft: DraftStage;
  readonly findings: Findings;
  readonly missing: readonly FileRequest[];
  /** The stages that it reads. */
  readonly needs: readonly number[];
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
  readonly #bases: ReadonlyMap<string, BaseImage> | null;
  readonly #files = new Map<ProgramFile, OpenFile>();
  readonly #readings = new Map<number, Reading>();
  readonly #usedMixins = new Set<MixinText>();

  constructor(program: Program, options: PlanOptions, bases: ReadonlyMap<string, BaseImage> | null) {
    this.#program = program;
    this.#options = options;
    this.#bases = bases;
  }

  run(): Draft {
    const entry = this.#open(this.#program.entry);
    const roots = this.#roots(entry);
    const order = this.#readNeeded(roots);
    this.#checkMixins(entry);
    warnUndeclaredArguments({
      tree: entry.file.tree,
      options: this.#options,
      findings: entry.findings,
      mistakes: entry.mistakes,
    });
    const mistakes = new Map([...this.#files.values()].map((open) => [open.file.tree.source, open.mistakes]));
    const readings = order.flatMap((index) => this.#readings.get(index) ?? []);
    const findings = [
      ...[...this.#files.values()].map((file) => file.findings),
      ...readings.map((one) => one.findings),
    ];
    return {
      stages: readings.map(({ draft }) => draft),
      target: roots.at(-1) ?? null,
      allStages: entry.texts.stages,
      missing: readings.flatMap(({ missing }) => missing),
      mistakes,
      diagnostics: withoutRepeats(findings.flatMap(({ diagnostics }) => diagnostics)).filter(
        ({ source, range }) => mistakes.get(source)?.overlap(range) !== true,
      ),
    };
  }

  #roots({ texts, findings }: OpenFile): readonly number[] {
    if (this.#options.everyStage === true) return texts.stages.map((stage) => stage.index);
    const [mixin] = texts.mixins;
    // The parser says so of every other file: one that others import for its mixins is right as it is.
    if (mixin !== undefined && texts.stages.length === 0) {
      findings.error("NoStage", "the file has mixins and no stage to bake", mixin.mixin.keyword.range, {
        hint: "bake a file that imports it, or add a FROM line with the image to start from",
      });
    }
    const target = findTarget(texts.stages, this.#options.target, findings);
    return target === null ? [] : [target.index];
  }

  /** Reads the stages and all that they need; a stage comes after those that it needs, else in file order. */
  #readNeeded(roots: readonly number[]): readonly number[] {
    const found = new Set<number>();
    const waiting = [...roots];
    for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
      if (found.has(index)) continue;
      found.add(index);
      waiting.push(...this.#read(index).needs);
    }
    const ordered = new Set<number>();
    for (const start of [...found].sort(ascending)) {
      const stack = [start];
      for (let index = stack.at(-1); index !== undefined; index = stack.at(-1)) {
        const needs = [...(this.#readings.get(index)?.needs ?? [])].sort(ascending);
        const open = needs.filter((need) => !ordered.has(need));
        if (ordered.has(index) || open.length === 0) {
          ordered.add(index);
          stack.pop();
        } else stack.push(...open.reverse());
      }
    }
    return [...ordered];
  }

  /** The stage, after those below it: a chain of bases may be longer than a call stack. */
  #read(index: number): Reading {
    const chain: PendingStage[] = [];
    for (let at: number | undefined = index; at !== undefined && !this.#readings.has(at); ) {
      const pending = this.#begin(at);
      chain.push(pending);
      at = pending.base?.kind === "stage" ? pending.base.index : undefined;
    }
    for (const pending of chain.reverse()) this.#readings.set(pending.index, this.#finish(pending));
    const reading = this.#readings.get(index);
    if (reading === undefined) throw new Error(`internal error: stage ${index} was not read`);
    return reading;
  }

  #begin(index: number): PendingStage {
    const file = this.#program.files.findLast((one) => one.firstStage <= index);
    const open = file === undefined ? undefined : this.#open(file);
    const text = open?.texts.stages[index - open.file.firstStage];
    if (open === undefined || text === undefined) throw new Error(`internal error: no stage ${index}`);
    const findings = new Findings(open.file.tree.source);
    const missing: FileRequest[] = [];
    const sources: NamedSource[] = [];
    const readerFor = (other: OpenFile, into: Findings): StageSourceReader =>
      new StageSourceReader({
        program: this.#program,
        open: other,
        text: other === open ? text : null,
        platform: this.#options.platform,
        findings: into,
        openFile: (one) => this.#open(one),
        onMissing: (request) => missing.push(request),
        onCopySource: (source) => sources.push(source),
      });
    const reader = readerFor(open, findings);
    return { index, open, text, findings, missing, sources, reader, readerFor, base: reader.readBase(text) };
  }

  #finish(pending: PendingStage): Reading {
    const { index, open, text, findings, missing, sources, base } = pending;
    const below = base?.kind === "stage" ? this.#readings.get(base.index) : undefined;
    const parent = below?.draft;
    const image = base?.kind === "image" ? this.#bases?.get(base.reference) : undefined;
    const isBaseComplete = parent?.builder.scope.complete ?? image !== undefined;
    const complete = isBaseComplete && !text.holdsOutsiders && open.isRead(text);
    const builder = new StageBuilder(this.#surroundings(pending, complete), parent?.end ?? imageEnd(image));
    replayTriggers(builder, text.from);
    for (const instruction of text.instructions) readInstruction(builder, instruction);
    const end = builder.finish();
    const needs = [base, ...sources.map((one) => one.source)].flatMap((source) =>
      source?.kind === "stage" ? source.index : [],
    );
    const { file } = open;
    const name = file.label === null ? text.name : labelOf(open, text);
    const draft: DraftStage = { index, file, name, text, base, builder, end, sources };
    return { draft, findings, missing, needs: [...new Set(needs)] };
  }

  #surroundings(
    { index, open, text, findings, reader, readerFor, base }: PendingStage,
    complete: boolean,
  ): StageSurroundings {
    const { file, scope } = open;
    const place: UseSurroundings = {
      open,
      reader,
      mixins: [],
      readerFor,
      onUse: this.#noteUses(),
    };
    return {
      tree: file.tree,
      context: file.context,
      findings,
      buildArguments: file.arguments,
      argumentGiver: giverOf(file),
      globalScope: scope,
      proxies: proxiesOf(this.#options),
      useTitle: null,
      complete,
      index,
      label: labelOf(open, text),
      onStage: base?.kind === "stage",
      findSource: (reference, range) => reader.findCopySource(reference, range),
      useMixin: (stage, instruction) => readUse(stage, instruction, place),
    };
  }

  /** Takes note of the mixins of one stage. */
  #noteUses(): (mixin: MixinText) => boolean {
    let uses = 0;
    return (mixin) => {
      this.#usedMixins.add(mixin);
      uses += 1;
      return uses <= mostUses;
    };
  }

  /** A mixin that nothing uses is checked for what is wrong whatever its parameters are. */
  #checkMixins(open: OpenFile): void {
    const { texts, file, findings, scope } = open;
    for (const mixin of texts.mixins) {
      if (this.#usedMixins.has(mixin)) continue;
      const readerFor = (other: OpenFile, into: Findings): StageSourceReader =>
        new StageSourceReader({
          program: this.#program,
          open: other,
          text: null,
          platform: this.#options.platform,
          findings: into,
          openFile: (one) => this.#open(one),
          // Only what is used is fetched.
          onMissing: () => {},
          onCopySource: () => {},
        });
      checkMixin({
        mixin,
        findings,
        end: imageEnd(undefined),
        place: { open, mixins: [], readerFor, onUse: this.#noteUses() },
        surroundings: {
          tree: file.tree,
          context: file.context,
          globalScope: scope,
        },
      });
    }
  }

  #open(file: ProgramFile): OpenFile {
    const known = this.#files.get(file);
    if (known !== undefined) return known;
    const { tree } = file;
    const findings = new Findings(tree.source);
    const texts = splitStages(tree, findings);
    const mistakes = new ParseMistakes(file.parseErrors ?? []);
    const scope = readGlobalScope({
      tree,
      globalArguments: texts.globalArguments,
      options: {
        ...this.#options,
        buildArguments: file.arguments,
        target: file.index === 0 ? this.#options.target : null,
      },
      findings,
      mistakes,
      complete: isReadBefore(texts, tree, mistakes),
      giver: giverOf(file),
    });
    const open = new OpenFile({ file, texts, scope, findings, mistakes });
    this.#files.set(file, open);
    return open;
  }
}

function giverOf({ index }: ProgramFile): ArgumentGiver {
  return index === 0 ? "bake" : "joining-file";
}

/** A stage whose base is known, to be read after that. */
interface PendingStage {
  /** In the program. */
  readonly index: number;
  readonly open: OpenFile;
  readonly text: StageText;
  readonly base: StageSource | null;
  readonly findings: Findings;
  readonly reader: StageSourceReader;
  readerFor(open: OpenFile, findings: Findings): StageSourceReader;
  readonly missing: readonly FileRequest[];
  readonly sources: readonly NamedSource[];
}

/** Whether all instructions before the first stage or mixin could be read. */
function isReadBefore(
  { stages: [stage], mixins: [mixin] }: FileTexts,
  tree: LightfileTree,
  mistakes: ParseMistakes,
): boolean {
  const starts = [stage?.from, mixin?.mixin].flatMap((block) => block?.range.start ?? []);
  const end = Math.min(...starts);
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

function labelOf({ file, texts }: OpenFile, text: StageText): string {
  const label = stageLabel(text, texts.stages);
  return file.label === null ? label : `${file.label}#${label}`;
}

function proxiesOf({ buildArguments }: PlanOptions): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(buildArguments).filter(([name]) => proxyArguments.has(name)));
}

/** A text that is read twice (a mixin, a file with other arguments) has the same mistakes twice. */
function withoutRepeats(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const seen = new Map<SourceFile, Set<string>>();
  return diagnostics.filter(({ source, code, message, range }) => {
    const known = seen.get(source) ?? new Set();
    seen.set(source, known);
    const key = `${code} ${range.start} ${range.end} ${message}`;
    if (known.has(key)) return false;
    known.add(key);
    return true;
  });
}

function ascending(left: number, right: number): number {
  return left - right;
}
