import { proposedFix } from "../edits.ts";
import { misspeltStage, stageReferences } from "../references.ts";
import type { Rule } from "../rule.ts";

/** The planner says it of the name of a later stage. */
export const stageTakenForImage: Rule = {
  name: "StageTakenForImage",
  summary: "the name of a later stage, or nearly that of an earlier one, is taken for an image's",
  *check(file) {
    for (const stage of file.stages) {
      for (const { text, range } of stageReferences(stage)) {
        const near = misspeltStage(file, text, stage.index);
        if (near === undefined) continue;
        yield {
          range,
          message: `no stage is named ${text}, so it is taken for an image`,
          hint: `did you mean the stage ${near}? If not, name a version, e.g. ${text}:1.2`,
          fixes: range.end - range.start === text.length ? [proposedFix(`Write ${near}`, range, near)] : [],
        };
      }
    }
  },
};
