import type { FromInstruction } from "../../lightfile/ast.ts";
import { parseLightfile } from "../../lightfile/parse.ts";
import { errorRanges, ParseMistakes } from "../parse-mistakes.ts";
import type { StageBuilder, StageSurroundings } from "../stage-builder.ts";
import { isTrigger } from "./onbuild.ts";
import { readInstruction } from "./read-instruction.ts";

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
    const unread = new ParseMistakes(errorRanges(mistakes));
    if (!unread.isEmpty) stage.scope.becomeIncomplete();
    const surroundings: StageSurroundings = {
      ...outer,
      tree,
      findings,
      useTitle: "ONBUILD",
      findSource: (reference) => outer.findSource(reference, from.image.range),
    };
    stage.readTrigger(surroundings, () => {
      for (const instruction of tree.instructions) {
        // Of what could not be read nothing more is said.
        if (unread.overlap(instruction.range)) continue;
        if (isTrigger(stage, instruction)) readInstruction(stage, instruction);
      }
    });
  });
}
