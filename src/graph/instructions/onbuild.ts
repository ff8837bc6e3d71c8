import type { FromInstruction, Instruction, OnbuildInstruction } from "../../lightfile/ast.ts";
import { parseLightfile } from "../../lightfile/parse.ts";
import type { StageBuilder, StageSurroundings } from "../stage-builder.ts";
import { readFlags } from "./flags.ts";
import { readInstruction } from "./read-instruction.ts";

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

/** `ONBUILD instruction`: kept in the configuration, for whoever is `FROM` this. */
export function readOnbuild(stage: StageBuilder, instruction: OnbuildInstruction): void {
  readFlags(stage, instruction, {});
  const { trigger } = instruction;
  const { tree } = stage.surroundings;
  if (!isTrigger(stage, trigger)) return;
  const text = tree.source.text.slice(trigger.range.start, trigger.range.end);
  // Who reads it later knows nothing of this file's directives.
  const directive = tree.escape === "`" ? "# escape=`\n" : "";
  stage.configuration.onbuild = [...stage.configuration.onbuild, `${directive}${text}`];
}

function isTrigger(stage: StageBuilder, { kind, keyword }: Instruction): boolean {
  if (!notForOthers.has(kind)) return true;
  const word = keyword.text.toUpperCase();
  stage.findings.error("OnbuildNotAllowed", `${word} cannot follow ONBUILD`, keyword.range, {
    hint: `write ${word} in the stages that are built on this one`,
  });
  return false;
}

/**
 * Reads the triggers of what the stage is `FROM`, once, before its own instructions. They see the stage's files,
 * context and variables; what is wrong with them is said in their own text, with the FROM as a related place.
 */
export function replayTriggers(stage: StageBuilder, from: FromInstruction): void {
  stage.inheritedTriggers.forEach((text, index) => {
    const outer = stage.surroundings;
    const base = from.image.text;
    const source = {
      path: `ONBUILD ${index + 1} of ${base}`,
      text: text.endsWith("\n") ? text : `${text}\n`,
    };
    const findings = outer.findings.within(source, {
      message: `${base} asks for this here`,
      source: outer.tree.source,
      range: from.image.range,
    });
    const { value: tree, diagnostics } = parseLightfile(source);
    // A trigger is not a file: that it has no FROM is no mistake.
    const mistakes = diagnostics.filter(({ code }) => code !== "InstructionBeforeFrom" && code !== "NoStage");
    for (const { severity, code, message, range, hint } of mistakes) {
      if (severity === "error") findings.error(code, message, range, { hint });
      else findings.warning(code, message, range, { hint });
    }
    const surroundings: StageSurroundings = {
      ...outer,
      tree,
      findings,
      useTitle: "ONBUILD",
      findSource: (reference) => outer.findSource(reference, from.image.range),
    };
    stage.readTrigger(surroundings, () => {
      for (const instruction of tree.instructions) {
        if (isTrigger(stage, instruction)) readInstruction(stage, instruction);
      }
    });
  });
}
