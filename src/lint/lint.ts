import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Fix } from "../diagnostics/fix.ts";
import type { SourceFile } from "../diagnostics/source-file.ts";
import type { LightfileTree } from "../lightfile/ast.ts";
import { parseLightfile } from "../lightfile/parse.ts";

/** What a rule, the parser or the planner says about a Lightfile, with the ways to mend it. */
export interface Finding extends Diagnostic {
  readonly fixes: readonly Fix[];
}

export interface LintOptions {
  /** Rules to leave out, in any case; `all`: every warning. */
  readonly skip?: readonly string[];
  /** Rules whose findings are errors, in any case; `all`: every one. */
  readonly error?: readonly string[];
}

/**
 * Everything that can be said about a Lightfile without looking at images or the disk, in the order of the text. Given
 * a text, the parser's diagnostics are among the findings; given a tree, they are not (whoever parsed it has them).
 */
export function lint(input: string | SourceFile | LightfileTree, options: LintOptions = {}): readonly Finding[] {
  if (typeof input === "object" && "instructions" in input) return [];
  const source = typeof input === "string" ? { path: "Lightfile", text: input } : input;
  return parseLightfile(source).diagnostics.map((diagnostic) => ({ ...diagnostic, fixes: [] }));
}
