import type { ArgInstruction } from "../../lightfile/ast.ts";
import type { Scope } from "../scope.ts";
import type { StageBuilder } from "../stage-builder.ts";

export interface ArgumentSources {
  readonly buildArguments: Readonly<Record<string, string>>;
  /** What a bare `ARG name` takes when the command line says nothing. */
  readonly outer: ReadonlyMap<string, string>;
  /** Names of the outer scope whose values are not known for sure. */
  readonly unsureOuter: ReadonlySet<string>;
}

/** Sets what an `ARG` declares: the command line's value, else the default, else the outer scope's value. */
export function declareArguments(scope: Scope, instruction: ArgInstruction, sources: ArgumentSources): void {
  // All values of one instruction are read before any of them is set.
  const values: [string, string][] = [];
  const unsure: string[] = [];
  for (const { name, value } of instruction.declarations) {
    const given = Object.hasOwn(sources.buildArguments, name.text)
      ? sources.buildArguments[name.text]
      : undefined;
    const fallback = value === null ? sources.outer.get(name.text) : undefined;
    const chosen = given ?? (value === null ? fallback : scope.expand(value.text, value.range));
    if (chosen !== undefined && chosen !== null) values.push([name.text, chosen]);
    if (given === undefined && value === null && sources.unsureOuter.has(name.text)) unsure.push(name.text);
  }
  for (const [name, value] of values) scope.set(name, value);
  for (const name of unsure) scope.doubt(name);
}

export function readArgument(stage: StageBuilder, instruction: ArgInstruction): void {
  declareArguments(stage.scope, instruction, {
    buildArguments: stage.surroundings.buildArguments,
    outer: stage.surroundings.globalScope.values,
    unsureOuter: stage.surroundings.globalScope.unsure,
  });
}
