import { unreachable } from "../../diagnostics/unreachable.ts";
import type { CopyInstruction, Flag } from "../../lightfile/ast.ts";
import { parseIgnoreFile } from "../../lightfile/ignore-pattern.ts";
import type { ImageReference } from "../draft-step.ts";
import type { ContextSelection, CopyExclude, CopyPattern, CopySourceOn } from "../plan.ts";
import type { StageBuilder } from "../stage-builder.ts";
import { flagValue, type ReadFlags } from "./flags.ts";

interface SourceParts {
  readonly instruction: CopyInstruction;
  readonly patterns: readonly CopyPattern[];
}

/** Where a COPY or ADD takes its files from, and what of them; null when a diagnostic says why it cannot. */
export function readCopySource(
  stage: StageBuilder,
  flags: ReadFlags,
  { instruction, patterns }: SourceParts,
): CopySourceOn<ImageReference> | null {
  const excludes = readExcludes(stage, flags.all("exclude"));
  const keepsParents = flags.isOn("parents");
  const ifExists = flags.isOn("if-exists");
  const fromFlag = flags.get("from");
  const ofContext = (): CopySourceOn<ImageReference> => {
    const unpacks = readUnpacking(instruction, flags);
    return { kind: "context", patterns, unpacks, excludes, keepsParents, ifExists };
  };
  if (fromFlag === undefined) return ofContext();
  if (instruction.kind === "add") {
    stage.findings.error("FromInAdd", "ADD takes nothing from a stage", fromFlag.range, {
      hint: "write COPY in place of ADD; unpack an archive of the stage in a RUN with --mount=type=bind,from=…",
    });
    return null;
  }
  const reference = flagValue(stage, fromFlag);
  if (reference === null) return null;
  // Before the stage is looked for, so that it is not baked for this.
  if (patterns.length > 0 && heredocsIn(patterns) === instruction.sources.length) {
    stage.findings.warning(
      "NoEffect",
      "a heredoc is written here, so --from changes nothing",
      fromFlag.range,
      {
        hint: "take the flag out",
      },
    );
    return ofContext();
  }
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
          "one COPY takes files out of a stage or heredocs of this file, not both",
          instruction.heredocs[0]?.delimiter.range ?? instruction.range,
          { hint: "write a COPY of its own, without --from, for the heredoc" },
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

function heredocsIn(patterns: readonly CopyPattern[]): number {
  return patterns.filter(({ kind }) => kind === "inline").length;
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
