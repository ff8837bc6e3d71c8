import { didYouMean } from "../diagnostics/suggest.ts";
import type { ArgInstruction, LightfileTree } from "../lightfile/ast.ts";
import type { ArgumentGiver } from "./argument-giver.ts";
import type { Findings } from "./findings.ts";
import { declareArguments } from "./instructions/argument.ts";
import type { ParseMistakes } from "./parse-mistakes.ts";
import type { PlanOptions } from "./plan-options.ts";
import { predefinedArguments, proxyArguments } from "./predefined-arguments.ts";
import { Scope } from "./scope.ts";

export interface GlobalScopeRequest {
  readonly tree: LightfileTree;
  readonly globalArguments: readonly ArgInstruction[];
  readonly options: PlanOptions;
  readonly findings: Findings;
  readonly mistakes: ParseMistakes;
}

export interface ReadGlobalScope extends GlobalScopeRequest {
  readonly complete: boolean;
  readonly giver: ArgumentGiver;
}

/** The predefined arguments and those before the first `FROM`: what `FROM` lines and bare `ARG`s read. */
export function readGlobalScope(request: ReadGlobalScope): Scope {
  const { tree, globalArguments, options, findings, complete, giver } = request;
  const outer = new Map(predefinedArguments(options.platform, options.target));
  for (const [name, value] of Object.entries(options.buildArguments)) {
    if (outer.has(name)) outer.set(name, value);
  }
  const scope = new Scope({
    findings,
    escape: tree.escape,
    values: outer,
    complete,
    undefinedCode: "UndefinedArgInFrom",
  });
  for (const instruction of globalArguments) {
    scope.beginInstruction();
    declareArguments(scope, instruction, {
      buildArguments: options.buildArguments,
      giver,
      outer: { values: outer, unsure: new Set(), complete: true },
      findings,
    });
    scope.endInstruction();
  }
  return scope;
}

/** A build argument that no `ARG` of the file declares is likely misspelt. */
export function warnUndeclaredArguments({
  tree,
  options,
  findings,
  mistakes,
}: Omit<GlobalScopeRequest, "globalArguments">): void {
  // One of the lines that could not be read may declare it.
  if (tree.instructions.some((instruction) => mistakes.hideVariables(instruction))) return;
  const declared = new Set([
    ...proxyArguments,
    ...predefinedArguments(options.platform, options.target).keys(),
  ]);
  for (const instruction of tree.instructions) {
    if (instruction.kind !== "arg") continue;
    for (const { name } of instruction.declarations) declared.add(name.text);
  }
  for (const name of Object.keys(options.buildArguments)) {
    if (declared.has(name)) continue;
    const message = `no ARG declares the build argument ${name}`;
    findings.warning(
      "UndeclaredBuildArgument",
      message,
      { start: 0, end: 0 },
      {
        hint: didYouMean(name, declared) ?? "it has no effect; declare it with ARG where it is needed",
      },
    );
  }
}
