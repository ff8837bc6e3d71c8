import type { CopyInstruction, Flag, Heredoc, Word } from "../../lightfile/ast.ts";
import type { CopyPattern } from "../plan.ts";
import type { DraftCopySource, StageBuilder } from "../stage-builder.ts";
import { emptyWordHint, flagValue, readFlags } from "./flags.ts";
import { readMode, readOwner } from "./ownership.ts";

export function readCopy(stage: StageBuilder, instruction: CopyInstruction): void {
  const flags =
    instruction.kind === "copy"
      ? readFlags(stage, instruction, { from: "acts", chown: "acts", chmod: "acts", link: "no-effect" })
      : readFlags(stage, instruction, { chown: "acts", chmod: "acts", unpack: "acts", link: "no-effect" });
  const owner = readOwner(stage, flags.get("chown"));
  const mode = readMode(stage, flags.get("chmod"));
  const patterns = readPatterns(stage, instruction);
  const destination = readDestination(stage, instruction, patterns.length);
  const source = readSource(stage, flags, { instruction, patterns });
  if (source === null) return;
  const variables = stage.scope.read;
  const directories = stage.takePendingDirectories();
  stage.addStep(
    instruction,
    { kind: "copy", source, ...(destination ?? anywhere), owner, mode, directories },
    variables,
  );
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
  sourceCount: number,
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
  const isDirectory = /(^|\/)(\.{1,2})?$/.test(written);
  if (sourceCount > 1 && !isDirectory) {
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

/** The sources after expansion; those with mistakes are left out. */
function readPatterns(stage: StageBuilder, instruction: CopyInstruction): readonly CopyPattern[] {
  const heredocs = [...instruction.heredocs];
  return instruction.sources.flatMap((word): readonly CopyPattern[] => {
    const heredoc = word.text.startsWith("<<") ? heredocs.shift() : undefined;
    if (heredoc !== undefined) return inlinePattern(stage, heredoc);
    const pattern = stage.scope.expand(word.text, word.range);
    if (pattern === null || !isReadable(stage, instruction, { word, pattern })) return [];
    return [{ kind: "path", pattern, range: word.range }];
  });
}

function inlinePattern(stage: StageBuilder, heredoc: Heredoc): readonly CopyPattern[] {
  const name = heredoc.delimiter.text;
  const content = heredoc.expand ? stage.scope.expandBody(heredoc.body, heredoc.bodyRange) : heredoc.body;
  return content === null ? [] : [{ kind: "inline", name, content }];
}

const remoteSource = /^(https?:\/\/|git:\/\/|ssh:\/\/|git@)/i;

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
  if (remoteSource.test(pattern)) {
    stage.findings.error("NotSupportedYet", `${keyword} cannot fetch ${pattern} yet`, word.range, {
      hint: "fetch it in a RUN, or put the file into the context",
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
  flags: ReadonlyMap<string, Flag>,
  { instruction, patterns }: SourceParts,
): DraftCopySource | null {
  const fromFlag = flags.get("from");
  if (fromFlag === undefined) {
    const refusesArchives = instruction.kind === "add" && flagValue(stage, flags.get("unpack")) !== "false";
    return { kind: "context", patterns, ...(refusesArchives ? { archives: "refuse" } : {}) };
  }
  const reference = flagValue(stage, fromFlag);
  if (reference === null) return null;
  const source = stage.surroundings.findSource(reference, fromFlag.range);
  if (source === null) return null;
  if (patterns.some((pattern) => pattern.kind === "inline")) {
    stage.findings.error(
      "HeredocWithFrom",
      "a heredoc cannot be copied from another stage",
      instruction.range,
      {
        hint: "write a COPY of its own for the heredoc",
      },
    );
    return null;
  }
  const paths = patterns.flatMap((pattern) => (pattern.kind === "path" ? [pattern.pattern] : []));
  return { ...source, paths };
}
