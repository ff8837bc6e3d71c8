import type { EnvFromOutputInstruction } from "../../lightfile/ast.ts";
import type { StageBuilder } from "../stage-builder.ts";
import { readFlags } from "./flags.ts";
import { addRun, runFlags } from "./run.ts";

/** `ENV --from-output NAME command`: a step whose output is a variable's value from here on. */
export function readEnvironmentFromOutput(stage: StageBuilder, instruction: EnvFromOutputInstruction): void {
  const flags = readFlags(stage, instruction, { ...runFlags, "from-output": "acts" });
  const name = instruction.name.text;
  if (addRun(stage, instruction, { flags, outputVariable: name })) stage.setOutputVariable(name);
}
