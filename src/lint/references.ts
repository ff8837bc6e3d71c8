import type { Word } from "../lightfile/ast.ts";
import { actingInstruction, type StageBlock } from "./linted-file.ts";

/** The words of a stage that may name another stage: its base, `--from=`, and `from=` of mounts. */
export function stageReferences(stage: StageBlock): readonly Word[] {
  const references: Word[] = [stage.head.image];
  for (const instruction of stage.instructions) {
    for (const { name, value } of actingInstruction(instruction).flags) {
      if (value === null) continue;
      if (name.text === "from") references.push(value);
      if (name.text !== "mount") continue;
      const from = /(?:^|,)\s*from=([^,]*)/.exec(value.text)?.[1];
      if (from !== undefined) references.push({ text: from, range: value.range });
    }
  }
  return references;
}
