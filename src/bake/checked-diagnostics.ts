import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Program } from "../graph/link/program.ts";
import { applyChecks } from "../lightfile/apply-checks.ts";

/** The diagnostics that count: each file's own `# check=` decides which of its warnings do, and as what. */
export function checkedDiagnostics(
  program: Program,
  diagnostics: readonly Diagnostic[],
): readonly Diagnostic[] {
  return diagnostics.flatMap((diagnostic) => {
    const file = program.files.find(({ tree }) => tree.source === diagnostic.source);
    return applyChecks(file?.tree.directives ?? [], [diagnostic]);
  });
}
