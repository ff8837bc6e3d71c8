import type { CopyInstruction, Heredoc, Word } from "../../lightfile/ast.ts";
import type { CopyPattern } from "../plan.ts";
import type { StageBuilder } from "../stage-builder.ts";
import { emptyWordHint, type ReadFlags } from "./flags.ts";
import { readRemoteSource, remoteKind } from "./remote-source.ts";

/** The sources of a COPY or ADD after expansion; those with mistakes are left out. */
export function readPatterns(
  stage: StageBuilder,
  instruction: CopyInstruction,
  flags: ReadFlags,
): readonly CopyPattern[] {
  const heredocs = [...instruction.heredocs];
  const patterns = instruction.sources.flatMap((word): readonly CopyPattern[] => {
    const heredoc = word.text.startsWith("<<") ? heredocs.shift() : undefined;
    if (heredoc !== undefined) return inlinePattern(stage, heredoc);
    const pattern = stage.scope.expand(word.text, word.range);
    if (pattern === null || !isReadable(stage, instruction, { word, pattern })) return [];
    if (remoteKind(pattern) === null) return [{ kind: "path", pattern, range: word.range }];
    const remote = readRemoteSource(stage, { text: pattern, range: word.range, flags });
    return remote === null ? [] : [remote];
  });
  checkRemoteFlags(stage, { patterns, sourceCount: instruction.sources.length, flags });
  return patterns;
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
      isToldOnce: true,
    });
  }
}
