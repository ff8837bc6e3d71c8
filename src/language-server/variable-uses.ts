import type { Range } from "../diagnostics/source-file.ts";
import type { Command, Instruction, LightfileTree } from "../lightfile/ast.ts";
import { definedIn, expandedWords } from "../lightfile/variable-words.ts";
import { type Quoting, variablesAt } from "./variable-places.ts";

export interface VariableUse {
  readonly name: string;
  /** Of the name alone. */
  readonly range: Range;
  readonly isDefinition: boolean;
  /** A shell in the guest reads it, so that it may also be a variable of the script. */
  readonly byShell: boolean;
}

/** Where an instruction sets or reads variables; the trigger of ONBUILD is left to whoever reads triggers. */
export function variableUses(instruction: Instruction, tree: LightfileTree): readonly VariableUse[] {
  const uses: VariableUse[] = definedIn(instruction).map(({ text, range }) => ({
    name: text,
    range,
    isDefinition: true,
    byShell: false,
  }));
  const add = (range: Range, quoting: Quoting, byShell: boolean): void => {
    for (const { name, range: place } of variablesAt(tree.source.text, range, {
      escape: tree.escape,
      quoting,
    })) {
      uses.push({ name, range: place, isDefinition: false, byShell });
    }
  };
  for (const { value } of instruction.flags) if (value !== null) add(value.range, "flag", false);
  for (const { range } of expandedWords(instruction)) add(range, "word", false);
  const command = commandOf(instruction);
  if (command?.form === "shell") add(command.line.range, "shell", true);
  if (command?.form === "exec") for (const { range } of command.argv) add(range, "shell", true);
  if (instruction.kind !== "onbuild") {
    for (const heredoc of instruction.heredocs) {
      if (heredoc.expand) add(heredoc.bodyRange, "plain", command !== null);
    }
  }
  return uses;
}

export function commandOf(instruction: Instruction): Command | null {
  switch (instruction.kind) {
    case "run":
    case "test":
    case "cmd":
    case "entrypoint":
    case "healthcheck":
    case "env-from-output":
      return instruction.command;
    default:
      return null;
  }
}
