import type { TestInstruction } from "../../lightfile/ast.ts";
import type { StageBuilder } from "../stage-builder.ts";
import { readDuration } from "./duration.ts";
import { flagValue, readFlags } from "./flags.ts";
import { readNetwork } from "./network.ts";
import { readRunCommand } from "./run.ts";
import { isUser } from "./working-directory.ts";

/** `TEST`: what is to hold in a sandbox on the stage's end, with the variables, user and directory of this place. */
export function readTest(stage: StageBuilder, instruction: TestInstruction): void {
  const flags = readFlags(stage, instruction, { network: "acts", timeout: "acts", user: "acts" });
  const network = readNetwork(stage, flags.get("network"));
  const timeoutMs = readDuration(stage, flags.get("timeout"));
  const userFlag = flags.get("user");
  const user = flagValue(stage, userFlag);
  if (userFlag !== undefined && user !== null && !isUser(user)) {
    stage.findings.error("InvalidUser", `${JSON.stringify(user)} is no user`, userFlag.range, {
      hint: "write a name or a number, and a group after a colon if need be, e.g. --user=app",
    });
  }
  const command = readRunCommand(stage, instruction);
  if (command === null) return;
  const { environment, outputVariables, proxies } = stage.runEnvironment();
  stage.addTest(instruction, {
    command,
    environment,
    outputVariables,
    user: user ?? stage.configuration.user,
    workingDirectory: stage.configuration.workingDirectory,
    network,
    timeoutSeconds: timeoutMs === null ? null : timeoutMs / 1000,
    variables: environment,
    ...(Object.keys(proxies).length === 0 ? {} : { proxies }),
  });
}
