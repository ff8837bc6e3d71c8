import type { Range, SourceFile } from "../../diagnostics/source-file.ts";
import { didYouMean } from "../../diagnostics/suggest.ts";
import type { StageSource } from "../draft-step.ts";
import { gitSecretHint, refuseSecret } from "../secret-in-address.ts";
import { findStage, nameWords, stageNames } from "../stages.ts";
import { findImage, type ImagePlace } from "./find-image.ts";
import { argumentsOf, type GivenArgument, type OpenFile, reportUnknownArguments } from "./open-file.ts";
import type { FileRequest, ProgramFile } from "./program.ts";
import { describeReference, type FileReference, parseReference } from "./reference.ts";

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

export interface ElsewhereReaderOptions extends ImagePlace {
  openFile(file: ProgramFile): OpenFile;
  /** Told of a file that is not in the program yet. */
  onMissing(request: FileRequest): void;
}

/** Says what words mean that name another file, by an IMPORT or in place. */
export class ElsewhereReader {
  readonly #options: ElsewhereReaderOptions;

  constructor(options: ElsewhereReaderOptions) {
    this.#options = options;
  }

  /**
   * The stage or image that a word means in another file, which is given arguments; undefined when the word names no
   * other file, null when that is not read yet, or a diagnostic says why the word means nothing.
   */
  find(word: string, range: Range, given: readonly GivenArgument[]): StageSource | null | undefined {
    const elsewhere = this.#read(word, range, given);
    return elsewhere ? this.#follow(elsewhere, range) : elsewhere;
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

  #read(word: string, range: Range, given: readonly GivenArgument[]): Elsewhere | null | undefined {
    const { open, findings } = this.#options;
    const reference = parseReference(word);
    if (reference === null) {
      if (open.findImport(word) === undefined) return undefined;
      return this.#readImport(word, range, { target: null, given });
    }
    if (reference.kind === "import") {
      return this.#readImport(reference.name, range, { target: reference.target, given });
    }
    if (refuseSecret(word, range, findings, gitSecretHint)) return null;
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
    if (found === undefined && !open.mayHide(name)) {
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

  #follow(elsewhere: Elsewhere, range: Range): StageSource | null {
    const { findings, openFile } = this.#options;
    const link = this.#link(elsewhere);
    if (link === null) return null;
    const name = describeReference(elsewhere.reference);
    if (link.kind === "image") {
      if (elsewhere.target === null && elsewhere.given.length === 0)
        return findImage(name, range, this.#options);
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
}
