import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Range } from "../diagnostics/source-file.ts";
import { draftStages } from "../graph/draft-stages.ts";
import { Program } from "../graph/link/program.ts";
import type { LightfileTree } from "../lightfile/ast.ts";
import type { LintSetting } from "./linted-file.ts";

/**
 * What the planner says about all stages of a file by itself, before images or other Lightfiles are looked at.
 * `parseErrors`: see parse-mistakes.ts.
 */
export function planAlone(
  tree: LightfileTree,
  setting: LintSetting,
  parseErrors: readonly Range[],
): readonly Diagnostic[] {
  const context = { directory: "/", lightfilePath: null };
  const program = new Program(
    { identity: tree.source.path, tree, context, parseErrors },
    setting.buildArguments,
  );
  return draftStages(program, { ...setting, target: null, everyStage: true }, null).diagnostics;
}
