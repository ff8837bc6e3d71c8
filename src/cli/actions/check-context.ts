import { posix } from "node:path";
import type { ContextIgnore } from "../../context/context-ignore.ts";
import { ContextTree } from "../../context/context-tree.ts";
import { ContextTrouble } from "../../context/context-trouble.ts";
import { rulesOf } from "../../context/copy-selection.ts";
import { loadIgnoreFile } from "../../context/ignore-file.ts";
import { selectSources } from "../../context/select-sources.ts";
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import type { Range, SourceFile } from "../../diagnostics/source-file.ts";
import type { Draft } from "../../graph/draft-stages.ts";
import { Findings } from "../../graph/findings.ts";
import type { ContextFolder, ContextSelection } from "../../graph/plan.ts";
import { contextStepsOf } from "../../graph/plan-steps.ts";

/**
 * What a bake would say about the files that COPY and ADD name, told without reading any: missing ones, those that an
 * ignore file leaves out, wildcards that match nothing.
 */
export async function checkContext(draft: Draft, signal: AbortSignal): Promise<readonly Diagnostic[]> {
  const trees = new Map<string, Promise<ContextTree>>();
  const diagnostics: Diagnostic[] = [];
  for (const { source, context, definition } of contextStepsOf(draft)) {
    if (definition.kind !== "copy" || definition.source.kind !== "context") continue;
    const tree = trees.get(context.directory) ?? openTree(context, diagnostics);
    trees.set(context.directory, tree);
    diagnostics.push(...(await checkSelection(await tree, { selection: definition.source, source, signal })));
  }
  return diagnostics;
}

async function openTree(
  { directory, lightfilePath }: ContextFolder,
  diagnostics: Diagnostic[],
): Promise<ContextTree> {
  const ignore = await loadIgnoreFile({ contextDirectory: directory, lightfilePath });
  diagnostics.push(...ignore.diagnostics);
  return new ContextTree(directory, ignore.value satisfies ContextIgnore);
}

interface Selection {
  readonly selection: ContextSelection;
  readonly source: SourceFile;
  readonly signal: AbortSignal;
}

async function checkSelection(
  tree: ContextTree,
  { selection, source, signal }: Selection,
): Promise<readonly Diagnostic[]> {
  const findings = new Findings(source);
  for (const pattern of selection.patterns) {
    if (pattern.kind !== "path") continue;
    try {
      const found = await selectSources(tree, pattern.pattern, { rules: rulesOf(selection), signal });
      if (found.length === 0 && !selection.ifExists) warnNothing(findings, pattern.pattern, pattern.range);
    } catch (error) {
      if (!(error instanceof ContextTrouble)) throw error;
      const path = posix.join("/", pattern.pattern).replace(/^\/|\/$/g, "");
      const isIgnored = error.code === "SourceNotFound" && tree.isHidden(path);
      findings.error(isIgnored ? "CopyIgnoredFile" : error.code, error.message, pattern.range, {
        hint: error.hint,
      });
    }
  }
  return findings.diagnostics;
}

function warnNothing(findings: Findings, pattern: string, range: Range): void {
  findings.warning("WildcardMatchesNothing", `nothing in the context matches ${pattern}`, range, {
    hint: "nothing is copied for it: correct the pattern, take it out, or say --if-exists when that is meant",
  });
}
