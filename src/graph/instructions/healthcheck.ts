import type { HealthcheckInstruction } from "../../lightfile/ast.ts";
import { defaultHealthcheckTimes } from "../../model/sandbox-configuration.ts";
import type { StageBuilder } from "../stage-builder.ts";
import { readCount, readDuration } from "./duration.ts";
import { readFlags } from "./flags.ts";

const mostFailures = 1000;

/** `HEALTHCHECK … CMD command`, or `HEALTHCHECK NONE`, which takes an inherited one away. */
export function readHealthcheck(stage: StageBuilder, instruction: HealthcheckInstruction): void {
  const flags = readFlags(stage, instruction, {
    interval: "acts",
    timeout: "acts",
    "start-period": "acts",
    "start-interval": "acts",
    retries: "acts",
  });
  const { command } = instruction;
  if (command === null) {
    const [flag] = instruction.flags;
    if (flag !== undefined) {
      stage.findings.error("InvalidHealthcheck", "HEALTHCHECK NONE takes no flags", flag.range, {
        hint: "take the flags out, or write CMD and a command in place of NONE",
      });
    }
    stage.configuration.healthcheck = null;
    return;
  }
  const defaults = defaultHealthcheckTimes;
  const argv =
    command.form === "shell"
      ? [...stage.configuration.shell, command.line.text]
      : command.argv.map((word) => word.text);
  // As for Docker, 0 means that the default holds.
  const time = (name: string) => readDuration(stage, flags.get(name), { zero: "allowed" }) || null;
  const times = {
    intervalMs: time("interval") ?? defaults.intervalMs,
    timeoutMs: time("timeout") ?? defaults.timeoutMs,
    startPeriodMs: time("start-period") ?? defaults.startPeriodMs,
    startIntervalMs: time("start-interval") ?? defaults.startIntervalMs,
    retries: readCount(stage, flags.get("retries"), { least: 0, most: mostFailures }) || defaults.retries,
  };
  if (argv.length === 0 || argv[0] === "") {
    stage.findings.error("EmptyCommand", "HEALTHCHECK has no program to start", instruction.range, {
      hint: 'write the program first, e.g. HEALTHCHECK CMD ["/bin/true"]',
    });
    return;
  }
  stage.configuration.healthcheck = { command: argv, ...times };
}
