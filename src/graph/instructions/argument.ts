import { unreachable } from "../../diagnostics/unreachable.ts";
import type { ArgInstruction, Word } from "../../lightfile/ast.ts";
import type { ArgumentGiver } from "../argument-giver.ts";
import type { Findings } from "../findings.ts";
import type { Scope } from "../scope.ts";
import type { StageBuilder } from "../stage-builder.ts";
import { type ArgumentType, checkValue, readArgumentType } from "./argument-type.ts";

export interface ArgumentSources {
  readonly buildArguments: Readonly<Record<string, string>>;
  readonly giver: ArgumentGiver;
  /** What a bare `ARG name` takes when nobody gives a value. */
  readonly outer: Pick<Scope, "values" | "unsure" | "complete">;
  readonly findings: Findings;
}

/** Sets what an `ARG` declares: the value that is given, else the default, else the outer scope's value. */
export function declareArguments(scope: Scope, instruction: ArgInstruction, sources: ArgumentSources): void {
  const { findings } = sources;
  const type = readArgumentType(instruction, { scope, findings });
  // All values of one instruction are read before any of them is set.
  const values: [string, string][] = [];
  const unsure: string[] = [];
  for (const declaration of instruction.declarations) {
    const value = argumentValue(scope, declaration, { ...sources, type });
    if (value !== null) values.push([declaration.name.text, value]);
    if (isUnsure(declaration, sources)) unsure.push(declaration.name.text);
  }
  for (const [name, value] of values) scope.set(name, value);
  for (const name of unsure) scope.doubt(name);
}

interface Declaration {
  readonly name: Word;
  readonly value: Word | null;
}

/** Whether the value is that of the outer scope, which may be another one. */
function isUnsure({ name, value }: Declaration, { buildArguments, outer }: ArgumentSources): boolean {
  return value === null && !Object.hasOwn(buildArguments, name.text) && outer.unsure.has(name.text);
}

/** Null: there is none, or a diagnostic says what is wrong with it. */
function argumentValue(
  scope: Scope,
  declaration: Declaration,
  sources: ArgumentSources & { readonly type: ArgumentType },
): string | null {
  const { name, value } = declaration;
  const { buildArguments, outer, findings, type } = sources;
  const given = Object.hasOwn(buildArguments, name.text) ? buildArguments[name.text] : undefined;
  // A default that nobody needs is judged all the same, but not expanded: it may speak of what is not there.
  const isDefaultRead = value !== null && (given === undefined || !value.text.includes("$"));
  const byDefault = isDefaultRead ? scope.expand(value.text, value.range) : null;
  if (value !== null && byDefault !== null) {
    checkValue({ name: name.text, value: byDefault, type, range: value.range, isGiven: false }, findings);
  }
  if (type.isRequired && value !== null) {
    findings.warning("NoEffect", `--required says nothing of ${name.text}`, name.range, {
      hint: "it has a default, so it always has a value; take one of the two out",
    });
  }
  if (given === undefined && value !== null) return byDefault;
  const chosen = given ?? outer.values.get(name.text);
  if (chosen === undefined) {
    if (type.isRequired && outer.complete) {
      findings.error("ArgumentRequired", `${name.text} needs a value, and nobody gives one`, name.range, {
        hint: howToGive(name.text, sources.giver),
      });
    }
    return null;
  }
  if (!isUnsure(declaration, sources)) {
    checkValue({ name: name.text, value: chosen, type, range: name.range, isGiven: true }, findings);
  }
  return chosen;
}

function howToGive(name: string, giver: ArgumentGiver): string {
  switch (giver) {
    case "bake":
      return `give it with --build-arg ${name}=…`;
    case "joining-file":
      return `give it where another file names this one: FROM --arg=${name}=… or IMPORT --arg=${name}=…`;
    case "use":
      return `give it behind the mixin's name: USE … ${name}=…`;
    default:
      return unreachable(giver);
  }
}

export function readArgument(stage: StageBuilder, instruction: ArgInstruction): void {
  declareArguments(stage.scope, instruction, {
    buildArguments: stage.surroundings.buildArguments,
    giver: stage.surroundings.argumentGiver,
    outer: stage.surroundings.globalScope,
    findings: stage.findings,
  });
}
