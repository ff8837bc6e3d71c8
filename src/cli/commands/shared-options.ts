import { type Command, InvalidArgumentError, Option } from "commander";
import { type Bounds, cpuBounds, memoryBounds } from "../../graph/resource-bounds.ts";
import type { Session } from "../session.ts";

export function addLightfileOptions(command: Command, { environment }: Session): Command {
  const described = command
    .argument("[path]", "a Lightfile, or a folder that holds one", ".")
    .option("-f, --file <lightfile>", "the Lightfile, when PATH is the folder of its context")
    .option("-C, --context <folder>", "where COPY takes files from (default: the Lightfile's folder)")
    .option("--target <stage>", "bake this stage instead of the last one");
  return addBuildArgument(described, environment)
    .option("--pull", "ask registries again what the tags of base images mean")
    .option("--locked", "fail where the lock file does not say what a tag, branch or URL means");
}

/** @param environment gives the values of those that have none on the command line */
export function addBuildArgument(command: Command, environment: NodeJS.ProcessEnv): Command {
  return command.addOption(
    new Option("--build-arg <name=value>", "give an ARG a value; without =value, that of the environment")
      .argParser((text, before: Readonly<Record<string, string>>) =>
        parseBuildArgument(text, before, environment),
      )
      .default({}, "none"),
  );
}

function parseBuildArgument(
  text: string,
  before: Readonly<Record<string, string>>,
  environment: NodeJS.ProcessEnv,
): Record<string, string> {
  const equals = text.indexOf("=");
  const name = equals === -1 ? text : text.slice(0, equals);
  if (name === "") throw new InvalidArgumentError("it must be NAME=VALUE or NAME.");
  const value = equals === -1 ? environment[name] : text.slice(equals + 1);
  return value === undefined ? { ...before } : { ...before, [name]: value };
}

export function parsePositiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError("it must be a whole number from 1.");
  return value;
}

/** Of a TCP server. */
export function parsePortNumber(text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > 65535) throw new InvalidArgumentError("it must be a port, from 1 to 65535.");
  return value;
}

/** As many as RESOURCES may ask for. */
export function parseCpus(text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : 0;
  if (!isWithin(cpuBounds, value))
    throw new InvalidArgumentError(`it must be a whole number, ${cpuBounds.words}.`);
  return value;
}

/** `512M`, `2G`, or a plain number of MiB: as much as RESOURCES may ask for. */
export function parseMemory(text: string): number {
  const match = /^(\d+)([MGT])?$/i.exec(text);
  const value = Number(match?.[1]) * (unitsMib[match?.[2]?.toUpperCase() ?? "M"] ?? Number.NaN);
  if (!isWithin(memoryBounds, value))
    throw new InvalidArgumentError(`it must be like 512M or 2G, ${memoryBounds.words}.`);
  return value;
}

const unitsMib: Readonly<Record<string, number>> = { M: 1, G: 1024, T: 1024 * 1024 };

function isWithin(bounds: Bounds, value: number): boolean {
  return value >= bounds.least && value <= bounds.most;
}

/** An option that may be given several times. */
export function repeatable(flags: string, description: string): Option {
  const collect = (text: string, before: readonly string[]): string[] => [...before, text];
  return new Option(flags, description).argParser(collect).default([], "none");
}

/** `--format` of a command that prints a list. */
export function tableOrJson(): Option {
  return new Option("--format <format>", "how to print it").choices(["table", "json"]).default("table");
}

export const environmentHelp = "set a variable; without =value, pass this environment's on";
