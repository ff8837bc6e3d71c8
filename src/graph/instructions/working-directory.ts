import type { UserInstruction, WorkdirInstruction } from "../../lightfile/ast.ts";
import type { StageBuilder } from "../stage-builder.ts";
import { emptyWordHint } from "./flags.ts";

export function readWorkingDirectory(stage: StageBuilder, instruction: WorkdirInstruction): void {
  const path = stage.scope.expand(instruction.path.text, instruction.path.range);
  if (path === null) return;
  if (path === "") {
    stage.findings.error("BlankPath", "WORKDIR needs a path, and this one is empty", instruction.path.range, {
      hint: emptyWordHint,
    });
    return;
  }
  stage.changeDirectory(path, instruction.range);
}

const userForm = /^[^\s:]+(:[^\s:]+)?$/;

/** `name|uid[:group|gid]` */
export function isUser(text: string): boolean {
  return userForm.test(text);
}

export function readUser(stage: StageBuilder, instruction: UserInstruction): void {
  const name = stage.scope.expand(instruction.user.text, instruction.user.range);
  if (name === null) return;
  if (isUser(name)) {
    stage.configuration.user = name;
    return;
  }
  stage.findings.error("InvalidUser", `${JSON.stringify(name)} is no user`, instruction.user.range, {
    hint: "write a name or a number, and a group after a colon if need be, e.g. USER app or USER 1000:1000",
  });
}
