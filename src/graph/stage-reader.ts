import type { BaseImage } from "../model/base-image.ts";
import type { StageSource } from "./draft-step.ts";
import { Findings } from "./findings.ts";
import { readInstruction } from "./instructions/read-instruction.ts";
import { replayTriggers } from "./instructions/replay-triggers.ts";
import { checkMixin } from "./link/check-mixin.ts";
import { mostUses, readUse, type UseSurroundings } from "./link/mixins.ts";
import type { OpenFile } from "./link/open-file.ts";
import type { OpenFiles } from "./link/open-files.ts";
import type { FileRequest, Program, ProgramFile } from "./link/program.ts";
import type { PlanOptions } from "./plan-options.ts";
import { proxyArguments } from "./predefined-arguments.ts";
import { StageBuilder, type StageSurroundings } from "./stage-builder.ts";
import { imageEnd, type StageEnd } from "./stage-end.ts";
import { type NamedSource, StageSourceReader, type StageSourceReaderOptions } from "./stage-sources.ts";
import { type MixinText, type StageText, stageLabel } from "./stages.ts";

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

/** A stage whose base is known, to be read after that. */
export interface PendingStage {
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

/** A stage as far as it could be read. */
export interface StageReading {
  readonly draft: DraftStage;
  readonly findings: Findings;
  readonly missing: readonly FileRequest[];
  /** The stages that it reads. */
  readonly needs: readonly number[];
}

export interface StageReaderOptions {
  readonly program: Program;
  readonly options: PlanOptions;
  /** Null before images are looked up. */
  readonly bases: ReadonlyMap<string, BaseImage> | null;
  readonly files: OpenFiles;
}

/** Reads stages of a program, each on the one that it is FROM, and what mixins put in place. */
export class StageReader {
  readonly #options: StageReaderOptions;
  readonly #usedMixins = new Set<MixinText>();

  constructor(options: StageReaderOptions) {
    this.#options = options;
  }

  /** The stage with its base, which is to be read before it. */
  begin(index: number): PendingStage {
    const file = this.#options.program.files.findLast((one) => one.firstStage <= index);
    const open = file === undefined ? undefined : this.#options.files.open(file);
    const text = open?.texts.stages[index - open.file.firstStage];
    if (open === undefined || text === undefined) throw new Error(`internal error: no stage ${index}`);
    const findings = new Findings(open.file.tree.source);
    const missing: FileRequest[] = [];
    const sources: NamedSource[] = [];
    const readerFor = this.#sourceReaders({
      own: { open, text },
      onMissing: (request) => missing.push(request),
      onCopySource: (source) => sources.push(source),
    });
    const reader = readerFor(open, findings);
    return { index, open, text, findings, missing, sources, reader, readerFor, base: reader.readBase(text) };
  }

  /** Reads the instructions, on `below`: the stage that it is FROM, if it is FROM one. */
  finish(pending: PendingStage, below: StageReading | undefined): StageReading {
    const { index, open, text, findings, missing, sources, base } = pending;
    const parent = below?.draft;
    const image = base?.kind === "image" ? this.#options.bases?.get(base.reference) : undefined;
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

  /** A mixin that nothing uses is checked for what is wrong whatever its parameters are. */
  checkUnusedMixins(open: OpenFile): void {
    const { texts, file, findings, scope } = open;
    // Only what is used is fetched.
    const readerFor = this.#sourceReaders({ own: null, onMissing: () => {}, onCopySource: () => {} });
    for (const mixin of texts.mixins) {
      if (this.#usedMixins.has(mixin)) continue;
      checkMixin({
        mixin,
        findings,
        place: { open, mixins: [], readerFor, onUse: this.#noteUses() },
        surroundings: {
          tree: file.tree,
          context: file.context,
          globalScope: scope,
        },
      });
    }
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
      use: null,
      globalScope: scope,
      proxies: proxiesOf(this.#options.options),
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

  /** Makes readers of words of any file; those of `own` know which stage they stand in. */
  #sourceReaders({
    own,
    ...told
  }: Pick<StageSourceReaderOptions, "onMissing" | "onCopySource"> & {
    readonly own: Pick<PendingStage, "open" | "text"> | null;
  }): (open: OpenFile, findings: Findings) => StageSourceReader {
    const { program, options, files } = this.#options;
    return (open, findings) =>
      new StageSourceReader({
        program,
        open,
        text: open === own?.open ? own.text : null,
        platform: options.platform,
        findings,
        openFile: (file) => files.open(file),
        ...told,
      });
  }
}

function labelOf({ file, texts }: OpenFile, text: StageText): string {
  const label = stageLabel(text, texts.stages);
  return file.label === null ? label : `${file.label}#${label}`;
}

function proxiesOf({ buildArguments }: PlanOptions): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(buildArguments).filter(([name]) => proxyArguments.has(name)));
}
