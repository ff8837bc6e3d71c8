import { unreachable } from "../../diagnostics/unreachable.ts";
import type { CopyInstruction, Flag, Heredoc, Word } from "../../lightfile/ast.ts";
import { parseIgnoreFile } from "../../lightfile/ignore-pattern.ts";
import type { ImageReference } from "../draft-step.ts";
import type { ContextSelection, CopyExclude, CopyPattern, CopySourceOn } from "../plan.ts";
import type { StageBuilder } from "../stage-builder.ts";
import { emptyWordHint, type FlagEffect, flagValue, type ReadFlags, readFlags } from "./flags.ts";
import { readMode, readOwner } from "./ownership.ts";
import { readRemoteSource, remoteKind } from "./remote-source.ts";

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
  checkRemoteFlags(stage, { patterns, sourceCount: instruction.sources.length, flags });
  const sourceCount = patterns.length;
  const destination = readDestination(stage, instruction, { sourceCount, flags });
  const source = readSource(stage, flags, { instruction, patterns });
  if (source === null) return;
  if (destination !== null) checkNames(stage, patterns, destination);
  const variables = stage.scope.read;
  const directories = stage.takePendingDirectories();
  stage.addStep(
    instruction,
    { kind: "copy", source, ...(destination ?? anywhere), owner, mode, directories },
    variables,
  );
}

/** Flags that speak of an address need one. */
function checkRemoteFlags(
  stage: StageBuilder,
  {
    patterns,
    sourceCount,
    flags,
  }: { readonly patterns: readonly CopyPattern[]; readonly sourceCount: number; readonly flags: ReadFlags },
): void {
  const checksum = flags.get("checksum");
  const remote = patterns.filter(({ kind }) => kind === "url" || kind === "git");
  if (checksum !== undefined && (sourceCount > 1 || remote.length < patterns.length)) {
    stage.findings.error("InvalidChecksum", "--checksum is that of one URL or repository", checksum.range, {
      hint:
        remote.length === 0
          ? "files of the context need none: their content is in the key"
          : "write an ADD of its own for each source",
    });
  }
  const keep = flags.get("keep-git-dir");
  if (keep !== undefined && !patterns.some(({ kind }) => kind === "git")) {
    stage.findings.warning("NoEffect", "--keep-git-dir of ADD changes nothing here", keep.range, {
      hint: "none of the sources is a git repository",
    });
  }
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

/** The sources after expansion; those with mistakes are left out. */
function readPatterns(
  stage: StageBuilder,
  instruction: CopyInstruction,
  flags: ReadFlags,
): readonly CopyPattern[] {
  const heredocs = [...instruction.heredocs];
  return instruction.sources.flatMap((word): readonly CopyPattern[] => {
    const heredoc = word.text.startsWith("<<") ? heredocs.shift() : undefined;
    if (heredoc !== undefined) return inlinePattern(stage, heredoc);
    const pattern = stage.scope.expand(word.text, word.range);
    if (pattern === null || !isReadable(stage, instruction, { word, pattern })) return [];
    if (remoteKind(pattern) === null) return [{ kind: "path", pattern, range: word.range }];
    const remote = readRemoteSource(stage, { text: pattern, range: word.range, flags });
    return remote === null ? [] : [remote];
  });
}

function inlinePattern(stage: StageBuilder, heredoc: Heredoc): readonly CopyPattern[] {
  const name = heredoc.delimiter.text;
  const content = heredoc.expand ? stage.scope.expandBody(heredoc.body, heredoc.bodyRange) : heredoc.body;
  return content === null ? [] : [{ kind: "inline", name, content }];
}

interface ExpandedSource {
  readonly word: Word;
  readonly pattern: string;
}

function isReadable(
  stage: StageBuilder,
  instruction: CopyInstruction,
  { word, pattern }: ExpandedSource,
): boolean {
  const keyword = instruction.keyword.text.toUpperCase();
  if (pattern === "") {
    stage.findings.error("BlankPath", `a source of ${keyword} is empty`, word.range, { hint: emptyWordHint });
    return false;
  }
  if (remoteKind(pattern) !== null && instruction.kind === "copy") {
    stage.findings.error("RemoteSourceInCopy", `COPY does not fetch ${pattern}`, word.range, {
      hint: "ADD does: write ADD in place of COPY",
    });
    return false;
  }
  return true;
}

interface SourceParts {
  readonly instruction: CopyInstruction;
  readonly patterns: readonly CopyPattern[];
}

function readSource(
  stage: StageBuilder,
  flags: ReadFlags,
  { instruction, patterns }: SourceParts,
): CopySourceOn<ImageReference> | null {
  const excludes = readExcludes(stage, flags.all("exclude"));
  const keepsParents = flags.isOn("parents");
  const ifExists = flags.isOn("if-exists");
  const fromFlag = flags.get("from");
  if (fromFlag === undefined) {
    const unpacks = readUnpacking(instruction, flags);
    return { kind: "context", patterns, unpacks, excludes, keepsParents, ifExists };
  }
  if (instruction.kind === "add") {
    stage.findings.error("FromInAdd", "ADD takes nothing from a stage", fromFlag.range, {
      hint: "write COPY in place of ADD; unpack an archive of the stage in a RUN with --mount=type=bind,from=…",
    });
    return null;
  }
  const reference = flagValue(stage, fromFlag);
  if (reference === null) return null;
  const source = stage.findSource(reference, fromFlag.range);
  if (source === null) return null;
  const paths: string[] = [];
  for (const pattern of patterns) {
    switch (pattern.kind) {
      case "path":
        paths.push(pattern.pattern);
        break;
      case "inline":
        stage.findings.error(
          "HeredocWithFrom",
          "a heredoc cannot be copied from another stage",
          instruction.range,
          { hint: "write a COPY of its own for the heredoc" },
        );
        return null;
      case "url":
      case "git":
        // COPY has been told that it fetches nothing.
        return null;
      default:
        unreachable(pattern);
    }
  }
  return { ...source, paths, excludes: excludes.map(({ pattern }) => pattern), keepsParents, ifExists };
}

function readUnpacking(instruction: CopyInstruction, flags: ReadFlags): ContextSelection["unpacks"] {
  if (instruction.kind === "copy") return "never";
  if (flags.get("unpack") === undefined) return "auto";
  return flags.isOn("unpack") ? "always" : "never";
}

/** The `--exclude`s that can be understood; the ignore file's language has no comments here. */
function readExcludes(stage: StageBuilder, flags: readonly Flag[]): readonly CopyExclude[] {
  return flags.flatMap((flag): readonly CopyExclude[] => {
    const written = flagValue(stage, flag);
    if (written === null) return [];
    const pattern = written.trim();
    const text = pattern.startsWith("#") ? `\\${pattern}` : pattern;
    const [problem] = parseIgnoreFile({ path: "--exclude", text }).diagnostics;
    if (problem === undefined && !text.includes("\n")) return [{ pattern: text, range: flag.range }];
    stage.findings.error("InvalidPattern", problem?.message ?? "a pattern is one line", flag.range, {
      hint: problem?.hint ?? "write an --exclude for each pattern",
    });
    return [];
  });
}
