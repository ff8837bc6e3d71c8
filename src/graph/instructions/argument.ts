import type { RelatedLocation } from "../../diagnostics/diagnostic.ts";
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
  for (const { name } of instruction.declarations) scope.declare(name.text);
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
      isToldOnce: true,
    });
  }
  if (given === undefined && value !== null) return byDefault;
  const chosen = given ?? outer.values.get(name.text);
  if (chosen === undefined) {
    if (type.isRequired && outer.complete) reportRequired(name, sources);
    return null;
  }
  if (!isUnsure(declaration, sources)) checkChosen(name, chosen, sources);
  return chosen;
}

function reportRequired(name: Word, { findings, giver }: ArgumentSources): void {
  const code = "ArgumentRequired";
  if (typeof giver !== "string") {
    giver.findings.error(
      code,
      `the mixin needs a value for ${name.text}, and this USE gives none`,
      giver.range,
      { hint: `write USE ${giver.mixin} ${name.text}=…`, related: [declaredAt(name, findings)] },
    );
    return;
  }
  const hint =
    giver === "bake"
      ? `give it with --build-arg ${name.text}=…`
      : `give it where another file names this one: FROM --arg=${name.text}=… or IMPORT --arg=${name.text}=…`;
  findings.error(code, `${name.text} needs a value, and nobody gives one`, name.range, { hint });
}

/** A value that the text gives is marked where it stands, one from outside at the ARG. */
function checkChosen(
  name: Word,
  value: string,
  { findings, giver, type }: ArgumentSources & { readonly type: ArgumentType },
): void {
  const use = typeof giver === "string" ? undefined : giver;
  const range = use?.values.get(name.text);
  if (use === undefined || range === undefined) {
    checkValue({ name: name.text, value, type, range: name.range, isGiven: true }, findings);
    return;
  }
  const declared = declaredAt(name, findings);
  checkValue({ name: name.text, value, type, range, isGiven: false }, use.findings, [declared]);
}

function declaredAt({ text, range }: Word, { source }: Findings): RelatedLocation {
  return { message: `${text} is declared here`, source, range };
}

export function readArgument(stage: StageBuilder, instruction: ArgInstruction): void {
  declareArguments(stage.scope, instruction, {
    buildArguments: stage.surroundings.buildArguments,
    giver: stage.surroundings.argumentGiver,
    outer: stage.surroundings.globalScope,
    findings: stage.findings,
  });
}
