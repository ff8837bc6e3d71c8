import type { Range, SourceFile } from "../diagnostics/source-file.ts";
import type { StageSource } from "./draft-step.ts";
import { ElsewhereReader, type ElsewhereReaderOptions } from "./link/elsewhere.ts";
import { findImage } from "./link/find-image.ts";
import { type GivenArgument, type OpenFile, readGivenArguments } from "./link/open-file.ts";
import { wayBack } from "./stage-loops.ts";
import { findEarlierStage, findNamedStage, findStage, type StageText } from "./stages.ts";
import { holdsWindows } from "./windows-image.ts";

export interface StageSourceReaderOptions extends ElsewhereReaderOptions {
  /** The stage of that file whose words are read; null for a mixin that another file uses. */
  readonly text: StageText | null;
  readonly platform: string;
  /** Told of each stage and image that files are copied from. */
  onCopySource(source: NamedSource): void;
}

export interface NamedSource {
  readonly source: StageSource;
  /** Where it is named. */
  readonly text: SourceFile;
  readonly range: Range;
}

/** Says what the words after `FROM` and `--from=` mean: an earlier stage, one of another Lightfile, or an image. */
export class StageSourceReader {
  readonly #options: StageSourceReaderOptions;
  readonly #elsewhere: ElsewhereReader;

  constructor(options: StageSourceReaderOptions) {
    this.#options = options;
    this.#elsewhere = new ElsewhereReader(options);
  }

  /**
   * What the stage stands on; null when that is not known, as because of a line that could not be read, or a
   * diagnostic says why it stands on nothing.
   */
  readBase({ from, index }: StageText): StageSource | null {
    const { open, findings } = this.#options;
    const { image } = from;
    this.#checkFlags(from.flags);
    open.scope.beginInstruction();
    const given = readGivenArguments(from.flags, open.scope, findings);
    const reference = open.scope.expand(image.text, image.range);
    open.scope.endInstruction();
    if (open.scope.restsOnUnknown) return null;
    if (reference === null) return null;
    if (reference.trim() === "") {
      findings.error("BlankBase", `the base of this stage is empty: ${image.text}`, image.range, {
        hint: "give the argument a default before the first FROM, or set it with --build-arg",
      });
      return null;
    }
    const stage = findNamedStage(open.texts.stages, reference, index);
    const elsewhere = stage === undefined ? this.#elsewhere.find(reference, image.range, given) : undefined;
    if (elsewhere !== undefined) return elsewhere;
    this.#refuseArguments(given, reference, stage);
    if (stage !== undefined) return this.#stage(stage);
    if (holdsWindows(reference)) {
      findings.error("UnsupportedBase", `${reference} holds Windows, and sandboxes run Linux`, image.range, {
        hint: "start from a Linux image that has what the stage needs",
      });
      return null;
    }
    this.#warnLaterStage(reference, image.range, index);
    return findImage(reference, image.range, this.#options);
  }

  /** What a `--from=` means; null when that is not known, or a diagnostic says why it means nothing. */
  findCopySource(reference: string, range: Range): StageSource | null {
    const source = this.#findCopySource(reference, range);
    const { open, onCopySource } = this.#options;
    if (source !== null) onCopySource({ source, text: open.file.tree.source, range });
    return source;
  }

  /** The file that an IMPORT names; null when it is not read yet, or a diagnostic says why there is none. */
  findImportedFile(name: string, range: Range): OpenFile | null {
    return this.#elsewhere.findImportedFile(name, range);
  }

  #findCopySource(reference: string, range: Range): StageSource | null {
    const { open, text, findings } = this.#options;
    const { stages } = open.texts;
    const before = text === null ? stages.length : text.index;
    const earlier = findEarlierStage(stages, reference, before);
    if (earlier !== undefined) return this.#stage(earlier);
    const named = findStage(stages, reference);
    if (named !== undefined) {
      this.#refuseStage(reference, range, named);
      return null;
    }
    if (/^\d+$/.test(reference)) {
      findings.error("UnknownStage", `there is no stage number ${reference}`, range, {
        hint: `this is stage ${before}, and stages are numbered from 0; a name is safer`,
      });
      return null;
    }
    if (reference === "scratch") {
      findings.error("UnsupportedBase", "scratch is empty: there is nothing to copy from it", range, {
        hint: "leave it out, or name the stage or image that holds the files",
      });
      return null;
    }
    const elsewhere = this.#elsewhere.find(reference, range, []);
    return elsewhere === undefined ? findImage(reference, range, this.#options) : elsewhere;
  }

  #stage(text: StageText): StageSource {
    return { kind: "stage", index: this.#options.open.file.firstStage + text.index };
  }

  #refuseStage(reference: string, range: Range, named: StageText): void {
    const { open, text, findings } = this.#options;
    const { source } = open.file.tree;
    const related = [{ message: "defined here", source, range: named.from.range }];
    if (named.index === text?.index) {
      findings.error("CircularStage", `stage ${reference} copies from itself`, range, {
        hint: "within a stage, copy with RUN cp",
        related,
      });
      return;
    }
    const way = text === null ? null : wayBack(open.texts.stages, named, text);
    if (way !== null) {
      findings.error(
        "ReferenceCycle",
        `stage ${reference} needs this one, which would then need itself`,
        range,
        {
          hint: "move what both stages need into a third one above them",
          related: way.map((edge) => ({ ...edge, source })),
        },
      );
      return;
    }
    findings.error("StageDefinedLater", `stage ${reference} comes after this one`, range, {
      hint: "move that stage up: a stage reads only stages before it",
      related,
    });
  }

  #warnLaterStage(reference: string, range: Range, index: number): void {
    const { open, findings } = this.#options;
    const { stages } = open.texts;
    const later = findNamedStage(stages, reference, stages.length);
    if (later === undefined || later.index === index) return;
    const { source } = open.file.tree;
    findings.warning("StageTakenForImage", `${reference} is taken for an image here`, range, {
      hint: "move the stage of that name up if it is the one that is meant",
      related: [{ message: "the stage is defined here", source, range: later.from.range }],
    });
  }

  #refuseArguments(given: readonly GivenArgument[], reference: string, stage: StageText | undefined): void {
    const [first] = given;
    if (first === undefined) return;
    const what = stage === undefined ? "an image" : "a stage of this file";
    this.#options.findings.error(
      "ArgumentsWithoutLightfile",
      `${reference} is ${what}, which takes no --arg`,
      first.range,
      {
        hint:
          stage === undefined
            ? "only another Lightfile takes arguments: FROM --arg=NAME=value ../folder/Lightfile#stage"
            : "a stage inherits the ARGs of the one that it is FROM",
      },
    );
  }

  #checkFlags(flags: StageText["from"]["flags"]): void {
    const { platform, open, findings } = this.#options;
    for (const flag of flags) {
      if (flag.name.text === "arg") continue;
      open.scope.beginInstruction();
      const isPlatform = flag.name.text === "platform" && flag.value !== null;
      const value = isPlatform && flag.value ? open.scope.expand(flag.value.text, flag.value.range) : null;
      open.scope.endInstruction();
      if (value === platform || open.scope.restsOnUnknown) continue;
      findings.error("NotSupportedYet", `--${flag.name.text} of FROM cannot act yet`, flag.range, {
        hint:
          value === null
            ? "take the flag out"
            : `this bake is for ${platform}, and all of its stages have to be; take the flag out`,
      });
    }
  }
}
