import type { Range } from "../diagnostics/source-file.ts";
import { unreachable } from "../diagnostics/unreachable.ts";
import type { Command, Instruction, LightfileTree, NamedValue, Word } from "../lightfile/ast.ts";
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

/** The names that an instruction declares or sets. */
export function definedIn(instruction: Instruction): readonly Word[] {
  if (instruction.kind === "arg") return instruction.declarations.map(({ name }) => name).filter(isVariable);
  if (instruction.kind === "env") return instruction.pairs.map(({ name }) => name).filter(isVariable);
  return instruction.kind === "env-from-output" ? [instruction.name] : [];
}

function isVariable({ text }: Word): boolean {
  return /^[\p{L}_][\p{L}\p{Nd}_]*$/u.test(text);
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

/** The words in which the builder replaces variables. */
function expandedWords(instruction: Instruction): readonly Word[] {
  switch (instruction.kind) {
    case "from":
      return [instruction.image];
    case "arg":
      return instruction.declarations.flatMap(({ value }) => (value === null ? [] : [value]));
    case "env":
    case "label":
      return instruction.pairs.flatMap(wordsOfPair);
    case "use":
      return [instruction.mixin, ...instruction.parameters.flatMap(wordsOfPair)];
    case "resources":
      return instruction.settings.flatMap(wordsOfPair);
    case "copy":
    case "add":
      return [...instruction.sources, instruction.destination];
    case "workdir":
      return [instruction.path];
    case "user":
      return [instruction.user];
    case "snapshot":
      return [instruction.name];
    case "import":
      return [instruction.reference];
    case "expose":
    case "volume":
    case "stopsignal":
      return instruction.words;
    case "run":
    case "test":
    case "cmd":
    case "entrypoint":
    case "healthcheck":
    case "env-from-output":
    case "shell":
    case "mixin":
    case "maintainer":
    case "onbuild":
    case "invalid":
      return [];
    default:
      return unreachable(instruction);
  }
}

function wordsOfPair({ name, value }: NamedValue): readonly Word[] {
  return [name, value];
}
