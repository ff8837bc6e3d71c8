import { unreachable } from "../diagnostics/unreachable.ts";
import type { Instruction, NamedValue, Word } from "./ast.ts";

/** The names that an instruction declares or sets. */
export function definedIn(instruction: Instruction): readonly Word[] {
  if (instruction.kind === "arg") return instruction.declarations.map(({ name }) => name).filter(isVariable);
  if (instruction.kind === "env") return instruction.pairs.map(({ name }) => name).filter(isVariable);
  return instruction.kind === "env-from-output" ? [instruction.name] : [];
}

function isVariable({ text }: Word): boolean {
  return /^[\p{L}_][\p{L}\p{Nd}_]*$/u.test(text);
}

/** The words in which the builder replaces variables; a shell replaces those of a command line. */
export function expandedWords(instruction: Instruction): readonly Word[] {
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
      return [...instruction.sources.filter(({ text }) => !text.startsWith("<<")), instruction.destination];
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
