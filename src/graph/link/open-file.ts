import type { Range } from "../../diagnostics/source-file.ts";
import { didYouMean } from "../../diagnostics/suggest.ts";
import type { Flag, ImportInstruction } from "../../lightfile/ast.ts";
import type { Findings } from "../findings.ts";
import type { ParseMistakes } from "../parse-mistakes.ts";
import type { Scope } from "../scope.ts";
import { gitSecretHint, refuseSecret } from "../secret-in-address.ts";
import { type FileTexts, type MixinText, nameWords } from "../stages.ts";
import type { Arguments, ProgramFile } from "./program.ts";
import { type FileReference, parseReference } from "./reference.ts";

/** An `--arg=NAME=value`. */
export interface GivenArgument {
  readonly name: string;
  readonly value: string;
  readonly range: Range;
}

/** What an IMPORT names. */
export interface Import {
  readonly instruction: ImportInstruction;
  readonly reference: FileReference;
  readonly given: readonly GivenArgument[];
}

/** A file of the program, cut into its parts, with the values of its global arguments. */
export class OpenFile {
  readonly file: ProgramFile;
  readonly texts: FileTexts;
  /** What FROM lines, IMPORTs and bare ARGs read. */
  readonly scope: Scope;
  readonly findings: Findings;
  readonly mistakes: ParseMistakes;
  readonly #imports = new Map<string, Import | null>();
  #hiddenNames: ReadonlySet<string> | null | undefined;
  readonly #mixins: ReadonlyMap<string, MixinText>;

  constructor(parts: Pick<OpenFile, "file" | "texts" | "scope" | "findings" | "mistakes">) {
    this.file = parts.file;
    this.texts = parts.texts;
    this.scope = parts.scope;
    this.findings = parts.findings;
    this.mistakes = parts.mistakes;
    // The first of a name counts; the parser has told of a second.
    this.#mixins = new Map(this.texts.mixins.toReversed().map((mixin) => [mixin.name, mixin]));
  }

  /** Whether all lines could be read that set variables for a stage or a mixin of this file. */
  isRead({ instructions }: Pick<MixinText, "instructions">): boolean {
    return this.scope.complete && !instructions.some((one) => this.mistakes.hideVariables(one));
  }

  /** Whether a line could not be read that may have been the IMPORT or MIXIN of this name. */
  mayHide(name: string): boolean {
    if (this.#hiddenNames === undefined) this.#hiddenNames = this.mistakes.hiddenNames(this.file.tree);
    return this.#hiddenNames === null || this.#hiddenNames.has(name.toLowerCase());
  }

  /** The IMPORT of a name (in any case); undefined when there is none, null when it has a mistake. */
  findImport(name: string): Import | null | undefined {
    const wanted = name.toLowerCase();
    const instruction = this.texts.imports.find((one) => one.alias.text.toLowerCase() === wanted);
    if (instruction === undefined) return undefined;
    let known = this.#imports.get(wanted);
    if (known === undefined) {
      known = this.#readImport(instruction);
      this.#imports.set(wanted, known);
    }
    return known;
  }

  get importNames(): readonly string[] {
    return this.texts.imports.map((one) => one.alias.text);
  }

  findMixin(name: string): MixinText | undefined {
    return this.#mixins.get(name.toLowerCase());
  }

  #readImport(instruction: ImportInstruction): Import | null {
    const { findings, scope } = this;
    const { text, range } = instruction.reference;
    scope.beginInstruction();
    const given = readGivenArguments(instruction.flags, scope, findings);
    const written = scope.expand(text, range);
    scope.endInstruction();
    if (written === null || scope.restsOnUnknown) return null;
    const reference = parseReference(written);
    if (reference === null || reference.kind === "import") {
      findings.error("NoLightfileReference", `${written || text} is no reference to a Lightfile`, range, {
        hint: "begin a path with ./ or ../, or name a git repository: https://host/name.git#ref",
      });
      return null;
    }
    if (refuseSecret(written, range, findings, gitSecretHint)) return null;
    if (reference.target !== null) {
      findings.error("TargetInImport", "an IMPORT names a file, not a stage of it", range, {
        hint: `take #${reference.target} off, and write FROM ${instruction.alias.text}#${reference.target}`,
      });
      return null;
    }
    return { instruction, reference: reference.file, given };
  }
}

/** The `--arg`s among flags; those with mistakes are left out. */
export function readGivenArguments(
  flags: readonly Flag[],
  scope: Scope,
  findings: Findings,
): readonly GivenArgument[] {
  return flags.flatMap((flag): readonly GivenArgument[] => {
    if (flag.name.text !== "arg") return [];
    const written = flag.value === null ? "" : scope.expand(flag.value.text, flag.value.range);
    if (written === null || scope.restsOnUnknown) return [];
    const equals = written.indexOf("=");
    if (equals > 0) {
      return [{ name: written.slice(0, equals), value: written.slice(equals + 1), range: flag.range }];
    }
    findings.error("InvalidArgument", "--arg needs a name and a value", flag.range, {
      hint: written === "" || equals === 0 ? "write --arg=NAME=value" : `write --arg=${written}=value`,
    });
    return [];
  });
}

export function argumentsOf(given: readonly GivenArgument[]): Arguments {
  return Object.fromEntries(given.map(({ name, value }) => [name, value]));
}

/** A file takes only what it declares: a name that it does not know is misspelt. */
export function reportUnknownArguments(
  given: readonly GivenArgument[],
  { file, mistakes }: OpenFile,
  findings: Findings,
): void {
  if (given.length === 0) return;
  if (file.tree.instructions.some((instruction) => mistakes.hideVariables(instruction))) return;
  const declared = new Set<string>();
  for (const instruction of file.tree.instructions) {
    if (instruction.kind === "arg") for (const { name } of instruction.declarations) declared.add(name.text);
  }
  for (const { name, range } of given) {
    if (declared.has(name)) continue;
    findings.error("UnknownParameter", `no ARG of ${file.tree.source.path} is named ${name}`, range, {
      hint: didYouMean(name, declared) ?? nameWords("its ARGs", declared) ?? "it declares no ARG at all",
    });
  }
}
