import type { Range } from "../diagnostics/source-file.ts";
import type { LightfileTree } from "../lightfile/ast.ts";
import type { Findings } from "./findings.ts";
import { Scope } from "./scope.ts";
import type { StageSource } from "./stage-builder.ts";
import { findEarlierStage, findNamedStage, findStage, type StageText } from "./stages.ts";

export interface StageSourceReaderOptions {
  readonly tree: LightfileTree;
  readonly stages: readonly StageText[];
  /** The stage whose words are read. */
  readonly text: StageText;
  readonly platform: string;
  readonly globalScope: Scope;
  readonly findings: Findings;
}

/** Says what the words after `FROM` and `--from=` mean: an earlier stage or an image. */
export class StageSourceReader {
  readonly #options: StageSourceReaderOptions;
  /** FROM reads global arguments only. */
  readonly #scope: Scope;

  constructor(options: StageSourceReaderOptions) {
    this.#options = options;
    this.#scope = new Scope({
      findings: options.findings,
      escape: options.tree.escape,
      values: options.globalScope.values,
      unsure: options.globalScope.unsure,
      complete: options.globalScope.complete,
      undefinedCode: "UndefinedArgInFrom",
    });
  }

  /**
   * What the stage stands on; null when a diagnostic says why it stands on nothing, and when that cannot be known
   * because of a line that could not be read.
   */
  readBase(): StageSource | null {
    const { stages, text, findings } = this.#options;
    const { image } = text.from;
    this.#checkFlags();
    this.#scope.beginInstruction();
    const reference = this.#scope.expand(image.text, image.range);
    if (this.#scope.restsOnUnknown) {
      this.#scope.endInstruction();
      return null;
    }
    if (reference === null) return null;
    if (reference.trim() === "") {
      findings.error("BlankBase", `the base of this stage is empty: ${image.text}`, image.range, {
        hint: "give the argument a default before the first FROM, or set it with --build-arg",
      });
      return null;
    }
    const stage = findNamedStage(stages, reference, text.index);
    if (stage !== undefined) return { kind: "stage", index: stage.index };
    if (reference === "scratch") {
      findings.error("UnsupportedBase", "a microVM cannot start from scratch", image.range, {
        hint: "it needs a base image, which may be as small as one with busybox",
      });
      return null;
    }
    this.#warnLaterStage(reference, image.range);
    return { kind: "image", reference };
  }

  /** What a `--from=` means; null when a diagnostic says why it means nothing. */
  findCopySource(reference: string, range: Range): StageSource | null {
    const { stages, text, findings } = this.#options;
    const earlier = findEarlierStage(stages, reference, text.index);
    if (earlier !== undefined) return { kind: "stage", index: earlier.index };
    const named = findStage(stages, reference);
    if (named !== undefined) {
      this.#refuseStage(reference, range, named);
      return null;
    }
    if (/^\d+$/.test(reference)) {
      findings.error("UnknownStage", `there is no stage number ${reference}`, range, {
        hint: `this is stage ${text.index}, and stages are numbered from 0; a name is safer`,
      });
      return null;
    }
    if (reference === "scratch") {
      findings.error("UnsupportedBase", "scratch is empty: there is nothing to copy from it", range, {
        hint: "take this COPY out, or name the stage or image that holds the files",
      });
      return null;
    }
    return { kind: "image", reference };
  }

  #refuseStage(reference: string, range: Range, named: StageText): void {
    const { tree, text, findings } = this.#options;
    const related = [{ message: "defined here", source: tree.source, range: named.from.range }];
    if (named.index === text.index) {
      findings.error("CircularStage", `stage ${reference} copies from itself`, range, {
        hint: "within a stage, copy with RUN cp",
        related,
      });
      return;
    }
    findings.error("StageDefinedLater", `stage ${reference} comes after this one`, range, {
      hint: "move that stage up: a stage reads only stages before it",
      related,
    });
  }

  #warnLaterStage(reference: string, range: Range): void {
    const { tree, stages, text, findings } = this.#options;
    const later = findNamedStage(stages, reference, stages.length);
    if (later === undefined || later.index === text.index) return;
    findings.warning("StageTakenForImage", `${reference} is taken for an image here`, range, {
      hint: "move the stage of that name up if it is the one that is meant",
      related: [{ message: "the stage is defined here", source: tree.source, range: later.from.range }],
    });
  }

  #checkFlags(): void {
    const { text, platform, findings } = this.#options;
    for (const flag of text.from.flags) {
      this.#scope.beginInstruction();
      const isPlatform = flag.name.text === "platform" && flag.value !== null;
      const value = isPlatform && flag.value ? this.#scope.expand(flag.value.text, flag.value.range) : null;
      if (value === platform) continue;
      findings.error("NotSupportedYet", `--${flag.name.text} of FROM cannot act yet`, flag.range, {
        hint:
          value === null
            ? "take the flag out"
            : `this bake is for ${platform}, and all of its stages have to be; take the flag out`,
      });
      this.#scope.endInstruction();
    }
  }
}
