import type { ArgInstruction, Instruction } from "../../lightfile/ast.ts";
import type { LintedFile } from "../linted-file.ts";
import type { Rule } from "../rule.ts";
import { isCommandInstruction } from "../shell/run-commands.ts";

export const unusedArgument: Rule = {
  name: "UnusedArgument",
  summary: "nothing reads an ARG",
  needsWholeFile: true,
  *check(file) {
    yield* globalOnes(file);
    for (const { instructions } of file.blocks) {
      for (const [index, instruction] of instructions.entries()) {
        if (instruction.kind !== "arg") continue;
        const later = instructions.slice(index + 1);
        // A command gets every ARG in its environment, and a program may read what no line names.
        if (later.some((one) => isCommandInstruction(one) || one.kind === "use")) continue;
        // Stages that are FROM this one inherit it.
        if (isBase(file, instructions)) continue;
        for (const { name } of instruction.declarations) {
          const own = file.tree.source.text.slice(instruction.range.end, later.at(-1)?.range.end ?? 0);
          if (mentions(own, name.text) || readsItself(instruction, name.text)) continue;
          yield {
            range: name.range,
            message: `nothing reads ${name.text}`,
            hint: "remove it, or move it to the stage that reads it",
          };
        }
      }
    }
  },
};

function* globalOnes(file: LintedFile) {
  const { tree } = file;
  for (const instruction of file.globalArguments) {
    for (const { name } of instruction.declarations) {
      const isRead = tree.instructions.some(
        (other) => other !== instruction && reads(file, other, name.text),
      );
      if (isRead || readsItself(instruction, name.text)) continue;
      yield {
        range: name.range,
        message: `nothing reads ${name.text}: no FROM names it, and no stage declares it again`,
        hint: `write ARG ${name.text} in the stage that reads it, or remove it`,
      };
    }
  }
}

/** Whether an instruction can see a global argument: a bare ARG, FROM, IMPORT or another global ARG. */
function reads({ tree, globalArguments }: LintedFile, instruction: Instruction, name: string): boolean {
  const text = tree.source.text.slice(instruction.range.start, instruction.range.end);
  if (instruction.kind === "from" || instruction.kind === "import") return mentions(text, name);
  if (instruction.kind !== "arg") return false;
  if (globalArguments.includes(instruction)) return mentions(text, name);
  return instruction.declarations.some((one) => one.name.text === name) || mentions(text, name);
}

function readsItself({ declarations }: ArgInstruction, name: string): boolean {
  return declarations.some((one) => one.name.text !== name && mentions(one.value?.text ?? "", name));
}

function isBase(file: LintedFile, instructions: readonly Instruction[]): boolean {
  const stage = file.stages.find((one) => one.instructions === instructions);
  if (stage?.name == null) return false;
  return file.stages.some(
    ({ index, head }) =>
      index > stage.index &&
      [stage.name, "$"].some((part) => head.image.text.toLowerCase().includes(part ?? "")),
  );
}

function mentions(text: string, name: string): boolean {
  return new RegExp(`\\$\\{?${name.replaceAll(/\W/g, "\\$&")}\\b`).test(text);
}
