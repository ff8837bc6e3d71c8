import type { IToken } from "chevrotain";
import type { Instruction, Word } from "./ast.ts";
import type { ParsedInstruction } from "./grammar.ts";
import { readParameters } from "./read-assignments.ts";
import type { InstructionParts, ReadContext } from "./read-context.ts";
import { quoteWord } from "./reporter.ts";
import { wordOf } from "./token-words.ts";

export function readFrom(
  parsed: ParsedInstruction,
  image: IToken,
  base: InstructionParts,
  context: ReadContext,
): Instruction {
  const aliasToken = parsed.arguments[1];
  const alias = aliasToken === undefined ? null : wordOf(aliasToken, context);
  if (alias !== null) checkName(alias, { code: "InvalidStageName", of: "a stage" }, context);
  const separator = parsed.separators[0];
  const as = separator === undefined ? null : wordOf(separator, context);
  return { kind: "from", ...base, image: wordOf(image, context), as, alias };
}

export function readMixin(token: IToken, base: InstructionParts, context: ReadContext): Instruction {
  const name = wordOf(token, context);
  checkName(name, { code: "InvalidMixinName", of: "a mixin" }, context);
  return { kind: "mixin", ...base, name };
}

export function readUse(
  parsed: ParsedInstruction,
  mixin: IToken,
  base: InstructionParts,
  context: ReadContext,
): Instruction {
  const parameters = readParameters(parsed.arguments.slice(1), context);
  return { kind: "use", ...base, mixin: wordOf(mixin, context), parameters };
}

/** Null when the name is missing. */
export function readImport(
  parsed: ParsedInstruction,
  reference: IToken,
  base: InstructionParts,
  context: ReadContext,
): Instruction | null {
  const aliasToken = parsed.arguments[1];
  const as = parsed.separators[0];
  if (aliasToken === undefined || as === undefined) return null;
  const alias = wordOf(aliasToken, context);
  checkName(alias, { code: "InvalidImportName", of: "an imported Lightfile" }, context);
  return { kind: "import", ...base, reference: wordOf(reference, context), as: wordOf(as, context), alias };
}

/** Names of stages, mixins and imports ignore case. */
function checkName(
  name: Word,
  thing: { readonly code: string; readonly of: string },
  context: ReadContext,
): void {
  if (/^[a-z][a-z0-9_.-]*$/i.test(name.text)) return;
  context.reporter.error({
    code: thing.code,
    range: name.range,
    message: `${quoteWord(name.text)} cannot be the name of ${thing.of}`,
    hint: "start with a letter, go on with letters, digits, - _ or .",
  });
}
