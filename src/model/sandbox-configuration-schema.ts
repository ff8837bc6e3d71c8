import * as v from "valibot";
import type { Healthcheck, SandboxConfiguration } from "./sandbox-configuration.ts";

const textList = v.pipe(v.array(v.string()), v.readonly());
const amount = v.pipe(v.number(), v.minValue(0));

const healthcheckSchema: v.GenericSchema<unknown, Healthcheck> = v.object({
  command: textList,
  intervalMs: amount,
  timeoutMs: amount,
  startPeriodMs: amount,
  startIntervalMs: amount,
  retries: amount,
});

/** A configuration from a file or from the network. What older versions did not write has its default. */
export const configurationSchema: v.GenericSchema<unknown, SandboxConfiguration> = v.object({
  environment: v.record(v.string(), v.string()),
  workingDirectory: v.string(),
  user: v.string(),
  entrypoint: v.nullable(textList),
  command: v.nullable(textList),
  shell: textList,
  labels: v.record(v.string(), v.string()),
  exposedPorts: textList,
  volumes: textList,
  stopSignal: v.nullable(v.string()),
  healthcheck: v.optional(v.nullable(healthcheckSchema), null),
  onbuild: v.optional(textList, []),
  outputVariables: v.optional(textList, []),
});
