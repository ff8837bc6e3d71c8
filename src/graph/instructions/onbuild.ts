import type { Instruction, OnbuildInstruction } from "../../lightfile/ast.ts";
import type { StageBuilder } from "../stage-builder.ts";
import { readFlags } from "./flags.ts";

/** What has a meaning only in the file that it stands in; an image's triggers come from anywhere. */
const notForOthers: ReadonlySet<string> = new Set([
  "from",
  "mixin",
  "use",
  "import",
  "onbuild",
  "snapshot",
  "resources",
  "test",
]);

/** What the parser does not let follow ONBUILD, and says so. */
const saidByParser: ReadonlySet<string> = new Set(["from", "mixin", "use", "import", "onbuild", "snapshot"]);

/** `ONBUILD instruction`: kept in the configuration, for whoever is `FROM` this. */
export function readOnbuild(stage: StageBuilder, instruction: OnbuildInstruction): void {
  readFlags(stage, instruction, {});
  const { trigger } = instruction;
  const { tree } = stage.surroundings;
  if (saidByParser.has(trigger.kind) || !isTrigger(stage, trigger)) return;
  const text = tree.source.text.slice(trigger.range.start, trigger.range.end);
  // Who reads it later knows nothing of this file's directives.
  const directive = tree.escape === "`" ? "# escape=`\n" : "";
  stage.configuration.onbuild = [...stage.configuration.onbuild, `${directive}${text}`];
}

/** What may follow ONBUILD; a diagnostic says why something may not. */
export function isTrigger(stage: StageBuilder, { kind, keyword }: Instruction): boolean {
  if (!notForOthers.has(kind)) return true;
  const word = keyword.text.toUpperCase();
  stage.findings.error("OnbuildNotAllowed", `${word} cannot follow ONBUILD`, keyword.range, {
    hint: `write ${word} in the stages that are built on this one`,
  });
  return false;
}
