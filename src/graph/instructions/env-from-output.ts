import type { EnvFromOutputInstruction } from "../../lightfile/ast.ts";
import type { StageBuilder } from "../stage-builder.ts";
import { readFlags } from "./flags.ts";
import { addRun, readRunCommand } from "./run.ts";

/** `ENV --from-output NAME command`: a step whose output is a variable's value from here on. */
export function readEnvironmentFromOutput(stage: StageBuilder, instruction: EnvFromOutputInstruction): void {
  readFlags(stage, instruction, { "from-output": "acts" });
  const command = readRunCommand(stage, instruction);
  if (command === null) return;
  const name = instruction.name.text;
  addRun(stage, instruction, {
    command,
    outputVariable: name,
    mounts: [],
    network: "default",
    timeoutSeconds: null,
    retries: 0,
    runsAlways: false,
  });
  stage.setOutputVariable(name);
}
