import type { ArgInstruction, Word } from "../../lightfile/ast.ts";
import type { Findings } from "../findings.ts";
import type { Scope } from "../scope.ts";
import type { StageBuilder } from "../stage-builder.ts";
import { type ArgumentType, checkValue, readArgumentType } from "./argument-type.ts";

export interface ArgumentSources {
  readonly buildArguments: Readonly<Record<string, string>>;
  /** What a bare `ARG name` takes when nobody gives a value. */
  readonly outer: ReadonlyMap<string, string>;
  readonly findings: Findings;
}

/** Sets what an `ARG` declares: the value that is given, else the default, else the outer scope's value. */
export function declareArguments(scope: Scope, instruction: ArgInstruction, sources: ArgumentSources): void {
  const { findings } = sources;
  const type = readArgumentType(instruction, { scope, findings });
  // All values of one instruction are read before any of them is set.
  const values: [string, string][] = [];
  for (const declaration of instruction.declarations) {
    const value = argumentValue(scope, declaration, { ...sources, type });
    if (value !== null) values.push([declaration.name.text, value]);
  }
  for (const [name, value] of values) scope.set(name, value);
}

/** Null: there is none, or a diagnostic says what is wrong with it. */
function argumentValue(
  scope: Scope,
  { name, value }: { readonly name: Word; readonly value: Word | null },
  { buildArguments, outer, findings, type }: ArgumentSources & { readonly type: ArgumentType },
): string | null {
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
  const chosen = given ?? outer.get(name.text);
  if (chosen === undefined) {
    if (type.isRequired) {
      findings.error("ArgumentRequired", `${name.text} needs a value, and nobody gives one`, name.range, {
        hint: `give it with --build-arg ${name.text}=…`,
      });
    }
    return null;
  }
  checkValue({ name: name.text, value: chosen, type, range: name.range, isGiven: true }, findings);
  return chosen;
}

export function readArgument(stage: StageBuilder, instruction: ArgInstruction): void {
  declareArguments(stage.scope, instruction, {
    buildArguments: stage.surroundings.buildArguments,
    outer: stage.surroundings.globalVariables,
    findings: stage.findings,
  });
}
