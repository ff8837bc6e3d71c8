import type { LightfileTree } from "../../lightfile/ast.ts";
import type { ArgumentGiver } from "../argument-giver.ts";
import { Findings } from "../findings.ts";
import { readGlobalScope } from "../global-scope.ts";
import { ParseMistakes } from "../parse-mistakes.ts";
import type { PlanOptions } from "../plan-options.ts";
import { type FileTexts, splitStages } from "../stages.ts";
import { OpenFile } from "./open-file.ts";
import type { ProgramFile } from "./program.ts";

/** The files of a program, each cut into its parts once, when it is first asked for. */
export class OpenFiles {
  readonly #options: PlanOptions;
  readonly #files = new Map<ProgramFile, OpenFile>();

  constructor(options: PlanOptions) {
    this.#options = options;
  }

  /** In the order in which they were asked for. */
  get all(): readonly OpenFile[] {
    return [...this.#files.values()];
  }

  open(file: ProgramFile): OpenFile {
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

/** Who gives the ARGs of a file their values. */
export function giverOf({ index }: ProgramFile): ArgumentGiver {
  return index === 0 ? "bake" : "joining-file";
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
