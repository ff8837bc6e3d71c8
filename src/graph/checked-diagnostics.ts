import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { applyChecks } from "../lightfile/apply-checks.ts";
import { applyIgnoreComments } from "../lightfile/ignore-comments.ts";
import type { Program } from "./link/program.ts";

/** The diagnostics that count: each file's own comments decide which of its warnings do, and as what. */
export function checkedDiagnostics(
  program: Program,
  diagnostics: readonly Diagnostic[],
): readonly Diagnostic[] {
  return diagnostics.flatMap((diagnostic) => {
    const file = program.files.find(({ tree }) => tree.source === diagnostic.source);
    if (file === undefined) return [diagnostic];
    return applyChecks(file.tree.directives, applyIgnoreComments(file.tree, [diagnostic]));
  });
}
