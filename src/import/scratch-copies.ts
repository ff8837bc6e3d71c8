import type { FromInstruction, Instruction, Word } from "../lightfile/ast.ts";
import type { Change } from "./change.ts";

/** Folders of the smallest base, and of nearly every other one. */
const foldersOfBase =
  /^\/?(?:\.|\*|(?:bin|dev|etc|home|lib|lib64|proc|root|sbin|sys|tmp|usr|usr\/bin|usr\/sbin|var)(?:\/\*?)?)?$/;

/** Copies that took all that a stage FROM scratch had, and take the files of the base that stands in for it as well. */
export function scratchCopies(instructions: readonly Instruction[], base: string): readonly Change[] {
  const fromScratch = new Set<string>();
  let number = -1;
  return instructions.flatMap((instruction): readonly Change[] => {
    if (instruction.kind === "from") {
      number += 1;
      if (standsOnNothing(instruction, fromScratch)) {
        fromScratch.add(String(number));
        if (instruction.alias !== null) fromScratch.add(instruction.alias.text.toLowerCase());
      } else if (instruction.alias !== null) fromScratch.delete(instruction.alias.text.toLowerCase());
      return [];
    }
    if (instruction.kind !== "copy") return [];
    const from = instruction.flags.find(({ name }) => name.text === "from")?.value?.text.toLowerCase();
    if (from === undefined || !fromScratch.has(from)) return [];
    const taken = instruction.sources.find(({ text }) => foldersOfBase.test(text));
    return taken === undefined ? [] : [{ edits: [], note: noteOf(taken, from, base) }];
  });
}

function standsOnNothing({ image }: FromInstruction, fromScratch: ReadonlySet<string>): boolean {
  return image.text === "scratch" || fromScratch.has(image.text.toLowerCase());
}

function noteOf({ text, range }: Word, stage: string, base: string) {
  return {
    kind: "lost",
    message: `${text} of ${/^\d/.test(stage) ? "stage " : ""}${stage} was empty at first, and now has the files of ${base}, which are copied along`,
    hint: `put what is meant into a folder of that stage, such as /out, and copy that: COPY --from=${stage} /out/ …`,
    range,
  } as const;
}
