import { posix } from "node:path";
import type { CopyInstruction } from "../../lightfile/ast.ts";
import type { CopyPattern } from "../plan.ts";
import type { StageBuilder } from "../stage-builder.ts";
import { readPatterns } from "./copy-patterns.ts";
import { readCopySource } from "./copy-source.ts";
import { emptyWordHint, type FlagEffect, type ReadFlags, readFlags } from "./flags.ts";
import { warnOfMachinePlaces } from "./machine-places.ts";
import { readMode, readOwner } from "./ownership.ts";

const copyFlags: Readonly<Record<string, FlagEffect>> = {
  from: "acts",
  chown: "acts",
  chmod: "acts",
  parents: "acts",
  exclude: "acts",
  "if-exists": "acts",
  link: "no-effect",
};
const addFlags: Readonly<Record<string, FlagEffect>> = {
  ...copyFlags,
  checksum: "acts",
  unpack: "acts",
  "keep-git-dir": "acts",
};

export function readCopy(stage: StageBuilder, instruction: CopyInstruction): void {
  const flags = readFlags(stage, instruction, instruction.kind === "copy" ? copyFlags : addFlags);
  const owner = stage.scope.alone(() => readOwner(stage, flags.get("chown")));
  const mode = stage.scope.alone(() => readMode(stage, flags.get("chmod")));
  const patterns = readPatterns(stage, instruction, flags);
  const sourceCount = patterns.length;
  const destination = readDestination(stage, instruction, { sourceCount, flags });
  const source = readCopySource(stage, flags, { instruction, patterns });
  if (source === null) return;
  if (destination !== null) {
    checkNames(stage, patterns, destination);
    warnOfMachinePlaces(stage, {
      destination: destination.destination,
      files: namedFiles(destination, patterns, flags.isOn("parents")),
      range: instruction.destination.range,
    });
  }
  const variables = stage.scope.read;
  const directories = stage.takePendingDirectories();
  stage.addStep(
    instruction,
    { kind: "copy", source, ...(destination ?? anywhere), owner, mode, directories },
    variables,
  );
}

/** In a directory, a download needs a name of its own. */
function checkNames(
  stage: StageBuilder,
  patterns: readonly CopyPattern[],
  { destinationIsDirectory, destination }: Destination,
): void {
  if (!destinationIsDirectory) return;
  for (const pattern of patterns) {
    if (pattern.kind !== "url" || pattern.name !== "") continue;
    stage.findings.error(
      "NamelessUrl",
      `${pattern.url} does not say what the file is called`,
      pattern.range,
      {
        hint: `name the file in the destination: ${destination === "/" ? "" : destination}/index.html`,
      },
    );
  }
}

/** Where the sources arrive, as far as they say it themselves: not those of a wildcard, nor what a folder holds. */
function namedFiles(
  { destination, destinationIsDirectory }: Destination,
  patterns: readonly CopyPattern[],
  keepsParents: boolean,
): readonly string[] {
  if (!destinationIsDirectory) return [destination];
  const names = patterns.map((pattern) => {
    if (pattern.kind === "git") return "";
    if (pattern.kind !== "path") return pattern.name;
    return keepsParents ? (pattern.pattern.split("/./").at(-1) ?? "") : posix.basename(pattern.pattern);
  });
  return names.map((name) => posix.join(destination, name));
}

interface Destination {
  readonly destination: string;
  readonly destinationIsDirectory: boolean;
}

/** Stands in for a destination with a mistake, so that the sources are looked at, too. */
const anywhere: Destination = { destination: "/", destinationIsDirectory: true };

function readDestination(
  stage: StageBuilder,
  instruction: CopyInstruction,
  { sourceCount, flags }: { readonly sourceCount: number; readonly flags: ReadFlags },
): Destination | null {
  const { text, range } = instruction.destination;
  const written = stage.scope.expand(text, range);
  if (written === null) return null;
  const keyword = instruction.keyword.text.toUpperCase();
  if (written === "") {
    stage.findings.error("BlankPath", `the destination of ${keyword} is empty`, range, {
      hint: emptyWordHint,
    });
    return null;
  }
  const isDirectory = /(^|\/)(\.{1,2})?$/.test(written) || flags.isOn("parents");
  if (sourceCount > 1 && !isDirectory) {
    // The parser has said that the first word is a flag's value.
    const isValue = instruction.flags.some(({ name, value }) => value === null && needsValue.has(name.text));
    if (isValue && sourceCount === 2) return null;
    stage.findings.error(
      "DestinationNotDirectory",
      `${sourceCount} sources cannot go to the one name ${written}`,
      range,
      { hint: `end it with a slash to copy into a directory: ${written}/` },
    );
    return null;
  }
  return { destination: stage.resolvePath(written), destinationIsDirectory: isDirectory };
}

const needsValue: ReadonlySet<string> = new Set(["from", "chown", "chmod", "checksum", "exclude"]);
