import { type ArgumentDescription, describeArguments } from "../../graph/describe-arguments.ts";
import { parseLightfile } from "../../lightfile/parse.ts";
import { plainText } from "../../render/printable-text.ts";
import type { LightfileOptions } from "../options.ts";
import { readLightfile } from "../read-lightfile.ts";
import type { Session } from "../session.ts";

/** The part of `lightbox bake --help` that is about one Lightfile: its ARGs. */
export async function printArguments(
  path: string,
  options: LightfileOptions,
  session: Session,
): Promise<void> {
  const { source } = await readLightfile(path, options, session);
  const found = describeArguments(parseLightfile(source).value);
  session.stdout.write(plainText(`\n${argumentsHelp(source.path, found)}`));
}

/** Two columns, as the options above it. */
export function argumentsHelp(path: string, found: readonly ArgumentDescription[]): string {
  if (found.length === 0) return `${path} declares no ARG.\n`;
  const rows = found.map((argument) => [termOf(argument), textOf(argument)] as const);
  const width = Math.max(...rows.map(([term]) => term.length));
  const lines = rows.map(([term, text]) => `  ${term.padEnd(width)}  ${text}`.trimEnd());
  return [`Arguments of ${path} (--build-arg NAME=VALUE):`, ...lines, ""].join("\n");
}

function termOf({ name, type, choices }: ArgumentDescription): string {
  if (choices.length > 0) return `${name}=${choices.join("|")}`;
  return type === "string" ? name : `${name}=<${type}>`;
}

function textOf({ description, isRequired, default: byDefault, stages }: ArgumentDescription): string {
  const notes = [
    ...(isRequired && byDefault === null ? ["required"] : []),
    ...(byDefault === null ? [] : [`default: ${byDefault === "" ? '""' : byDefault}`]),
    ...(stages.length === 0 ? [] : [`in ${stages.map(stageLabel).join(", ")}`]),
  ];
  return [
    ...(description === null ? [] : [description]),
    ...(notes.length === 0 ? [] : [`(${notes.join(", ")})`]),
  ].join(" ");
}

/** A name cannot begin with a digit: what does is the number of a stage without one. */
function stageLabel(stage: string): string {
  return /^\d/.test(stage) ? `stage ${stage}` : stage;
}
