import type { Range, SourceFile } from "../diagnostics/source-file.ts";
import { didYouMean } from "../diagnostics/suggest.ts";
import type { Findings } from "./findings.ts";
import {
  argumentsOf,
  type GivenArgument,
  type OpenFile,
  readGivenArguments,
  reportUnknownArguments,
} from "./link/open-file.ts";
import type { FileRequest, Program, ProgramFile } from "./link/program.ts";
import {
  describeReference,
  type FileReference,
  imageReferenceFrom,
  parseReference,
  pathOfImage,
} from "./link/reference.ts";
import type { StageSource } from "./stage-builder.ts";
import { wayBack } from "./stage-loops.ts";
import {
  findEarlierStage,
  findNamedStage,
  findStage,
  nameWords,
  type StageText,
  stageNames,
} from "./stages.ts";

export interface StageSourceReaderOptions {
  readonly program: Program;
  /** The file whose words are read. */
  readonly open: OpenFile;
  /** The stage of that file whose words are read; null for a mixin that another file uses. */
  readonly text: StageText | null;
  readonly platform: string;
  readonly findings: Findings;
  openFile(file: ProgramFile): OpenFile;
  /** Told of a file that is not in the program yet. */
  onMissing(request: FileRequest): void;
  /** Told of each stage and image that files are copied from. */
  onCopySource(source: NamedSource): void;
}

export interface NamedSource {
  readonly source: StageSource;
  /** Where it is named. */
  readonly text: SourceFile;
  readonly range: Range;
}

/** Something in another file. */
interface Elsewhere {
  readonly reference: FileReference;
  readonly target: string | null;
  readonly given: readonly GivenArgument[];
  /** What an IMPORT calls the file; null: it is named in place. */
  readonly alias: string | null;
  /** Where the file is named: at the IMPORT, or in place. */
  readonly source: SourceFile;
  readonly range: Range;
}

/** Says what the words after `FROM` and `--from=` mean: an earlier stage, one of another Lightfile, or an image. */
export class StageSourceReader {
  readonly #options: StageSourceReaderOptions;

  constructor(options: StageSourceReaderOptions) {
    this.#options = options;
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
    const elsewhere = stage === undefined ? this.#readElsewhere(reference, image.range, given) : undefined;
    if (elsewhere !== undefined) return elsewhere === null ? null : this.#follow(elsewhere, image.range);
    this.#refuseArguments(given, reference, stage);
    if (stage !== undefined) return this.#stage(stage);
    if (reference === "scratch") {
      findings.error("UnsupportedBase", "a microVM cannot start from scratch", image.range, {
        hint: "it needs a base image, which may be as small as one with busybox",
      });
      return null;
    }
    this.#warnLaterStage(reference, image.range, index);
    return this.#image(reference, image.range);
  }

  /** What a `--from=` means; null when that is not known, or a diagnostic says why it means nothing. */
  findCopySource(reference: string, range: Range): StageSource | null {
    const source = this.#findCopySource(reference, range);
    const { open, onCopySource } = this.#options;
    if (source !== null) onCopySource({ source, text: open.file.tree.source, range });
    return source;
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
    const elsewhere = this.#readElsewhere(reference, range, []);
    if (elsewhere !== undefined) return elsewhere === null ? null : this.#follow(elsewhere, range);
    return this.#image(reference, range);
  }

  /** The file that an IMPORT names; null when it is not read yet, or a diagnostic says why there is none. */
  findImportedFile(name: string, range: Range): OpenFile | null {
    const elsewhere = this.#readImport(name, range, { target: null, given: [] });
    if (elsewhere === null) return null;
    const link = this.#link(elsewhere);
    if (link === null) return null;
    if (link.kind === "file") return this.#options.openFile(link.file);
    this.#options.findings.error("NotALightfile", `${name} is a base image, not a Lightfile`, range, {
      hint: "IMPORT a Lightfile, and name images after FROM",
    });
    return null;
  }

  /** Undefined: the word names nothing in another file. */
  #readElsewhere(word: string, range: Range, given: readonly GivenArgument[]): Elsewhere | null | undefined {
    const { open } = this.#options;
    const reference = parseReference(word);
    if (reference === null) {
      if (open.findImport(word) === undefined) return undefined;
      return this.#readImport(word, range, { target: null, given });
    }
    if (reference.kind === "import") {
      return this.#readImport(reference.name, range, { target: reference.target, given });
    }
    const { source } = open.file.tree;
    return { reference: reference.file, target: reference.target, given, alias: null, source, range };
  }

  #readImport(
    name: string,
    range: Range,
    { target, given }: Pick<Elsewhere, "target" | "given">,
  ): Elsewhere | null {
    const { open, findings } = this.#options;
    const found = open.findImport(name);
    if (found === undefined && !open.hidesNames) {
      findings.error("UnknownImport", `nothing is imported as ${name}`, range, {
        hint:
          didYouMean(name, open.importNames) ??
          nameWords("imports", open.importNames) ??
          `write IMPORT ../folder/Lightfile AS ${name} at the head of the file`,
      });
    }
    if (found === undefined || found === null) return null;
    const { reference, instruction } = found;
    return {
      reference,
      target,
      given: [...found.given, ...given],
      alias: instruction.alias.text,
      source: open.file.tree.source,
      range: instruction.reference.range,
    };
  }

  /** The stage that a word for another file means. */
  #follow(elsewhere: Elsewhere, range: Range): StageSource | null {
    const { findings, openFile } = this.#options;
    const link = this.#link(elsewhere);
    if (link === null) return null;
    const name = describeReference(elsewhere.reference);
    if (link.kind === "image") {
      if (elsewhere.target === null && elsewhere.given.length === 0) return this.#image(name, range);
      findings.error("NotALightfile", `${name} is a base image, which has no targets and no ARGs`, range, {
        hint: `write ${name} alone`,
      });
      return null;
    }
    const other = openFile(link.file);
    reportUnknownArguments(elsewhere.given, other, findings);
    const { stages } = other.texts;
    const { target } = elsewhere;
    const stage = target === null ? stages.at(-1) : findStage(stages, target);
    if (stage !== undefined) return { kind: "stage", index: link.file.firstStage + stage.index };
    const names = stageNames(stages);
    const hint = target === null ? undefined : (didYouMean(target, names) ?? nameWords("its stages", names));
    findings.error(
      "UnknownTarget",
      target === null ? `${name} has no stage` : `${name} has no stage named ${target}`,
      range,
      { hint: hint ?? "it holds mixins only: write USE import#mixin" },
    );
    return null;
  }

  #link(elsewhere: Elsewhere) {
    const { program, open, onMissing } = this.#options;
    const request = { ...elsewhere, from: open.file, arguments: argumentsOf(elsewhere.given) };
    const link = program.find(request);
    if (link === undefined) onMissing(request);
    return link === undefined || link.kind === "nowhere" ? null : link;
  }

  #stage(text: StageText): StageSource {
    return { kind: "stage", index: this.#options.open.file.firstStage + text.index };
  }

  /** Relative paths of the file that is baked start at its context; those of any other at its own folder. */
  #image(reference: string, range: Range): StageSource | null {
    const { program, open, findings } = this.#options;
    const { entry } = program;
    if (open.file === entry) return { kind: "image", reference };
    const { repositoryRoot, context } = open.file;
    if (repositoryRoot === undefined) {
      const from = imageReferenceFrom(entry.context.directory, context.directory, reference);
      return { kind: "image", reference: from };
    }
    const whole = imageReferenceFrom(null, context.directory, reference);
    const path = pathOfImage(whole);
    if (path === null || path.startsWith(`${repositoryRoot}/`)) return { kind: "image", reference: whole };
    findings.error("OutsideRepository", `${reference} leads out of the repository of this file`, range, {
      hint: "a Lightfile of a repository takes images from it, or from a registry",
    });
    return null;
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
