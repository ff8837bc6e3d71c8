import type { CmdInstruction, EntrypointInstruction, ShellInstruction } from "../../lightfile/ast.ts";
import type { StageBuilder } from "../stage-builder.ts";

/** The argument list that CMD or ENTRYPOINT records; null for `[]`, which takes an inherited one away. */
function launchCommand(
  stage: StageBuilder,
  instruction: CmdInstruction | EntrypointInstruction,
): readonly string[] | null {
  const { command } = instruction;
  if (command.form === "shell") return [...stage.configuration.shell, command.line.text];
  return command.argv.length === 0 ? null : command.argv.map((word) => word.text);
}

export function readCommand(stage: StageBuilder, instruction: CmdInstruction): void {
  stage.configuration.command = launchCommand(stage, instruction);
  stage.hasOwnCommand = true;
}

/** An inherited CMD was meant for the inherited ENTRYPOINT, so a new ENTRYPOINT drops it. */
export function readEntrypoint(stage: StageBuilder, instruction: EntrypointInstruction): void {
  stage.configuration.entrypoint = launchCommand(stage, instruction);
  if (!stage.hasOwnCommand) stage.configuration.command = null;
}

export function readShell(stage: StageBuilder, instruction: ShellInstruction): void {
  if (instruction.argv.length === 0) {
    stage.findings.error("EmptyCommand", "SHELL needs a program", instruction.range, {
      hint: 'e.g. SHELL ["/bin/bash", "-c"]',
    });
    return;
  }
  stage.configuration.shell = instruction.argv.map((word) => word.text);
}
