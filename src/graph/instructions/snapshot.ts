import type { SnapshotInstruction } from "../../lightfile/ast.ts";
import type { StageBuilder } from "../stage-builder.ts";

const longestSnapshotName = 64;
const snapshotName = /^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/;

/** Parts of letters, digits, `.`, `_`, `-` that begin with a letter or digit, joined by `/`; 64 characters at most. */
export function isSnapshotName(name: string): boolean {
  return name.length <= longestSnapshotName && snapshotName.test(name);
}

export function readSnapshot(stage: StageBuilder, instruction: SnapshotInstruction): void {
  const name = stage.scope.expand(instruction.name.text, instruction.name.range);
  if (name === null) return;
  if (!isSnapshotName(name)) {
    stage.findings.error(
      "InvalidSnapshotName",
      `${JSON.stringify(name)} cannot name a snapshot`,
      instruction.name.range,
      {
        hint:
          "up to 64 letters, digits, '.', '_' and '-', beginning with a letter or digit; " +
          "'/' may stand between such parts",
      },
    );
    return;
  }
  stage.snapshotName = name;
}
