import { resolve } from "node:path";
import { checkDestination } from "../../context/check-destination.ts";
import type { ContextIgnore } from "../../context/context-ignore.ts";
import { ContextTree } from "../../context/context-tree.ts";
import { ContextTrouble } from "../../context/context-trouble.ts";
import { rulesOf } from "../../context/copy-selection.ts";
import { loadIgnoreFile } from "../../context/ignore-file.ts";
import { selectMounted, selectSources } from "../../context/select-sources.ts";
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import type { Range } from "../../diagnostics/source-file.ts";
import { imagesOf } from "../../graph/base-references.ts";
import type { Draft } from "../../graph/draft-stages.ts";
import { Findings } from "../../graph/findings.ts";
import {
  type ContextFolder,
  type CopyDefinition,
  type LookedUpImage,
  mountSourcesOf,
  type RunDefinition,
} from "../../graph/plan.ts";
import { contextStepsOf } from "../../graph/plan-steps.ts";
import { inspectLocalImage } from "../../images/local-image.ts";
import { parseBaseReference } from "../../images/reference.ts";
import { locateFailure } from "../../sources/located.ts";

/**
 * What a bake would say about the files that COPY, ADD and mounts name, told without reading any: missing ones, those
 * that an ignore file leaves out, wildcards that match nothing or too much.
 */
export async function checkContext(draft: Draft, signal: AbortSignal): Promise<readonly Diagnostic[]> {
  const trees = new Map<string, ContextTree>();
  const diagnostics: Diagnostic[] = [];
  for (const { source, context, definition } of contextStepsOf(draft)) {
    const tree = trees.get(context.directory) ?? (await openTree(context, diagnostics));
    trees.set(context.directory, tree);
    const findings = new Findings(source);
    if (definition.kind === "run") await checkMounts(tree, definition, { findings, signal });
    else if (definition.kind === "copy") await checkCopy(tree, definition, { findings, signal });
    diagnostics.push(...findings.diagnostics);
  }
  return diagnostics;
}

/** What a bake would say about archives and layouts that stages stand on, told without reading any. */
export async function checkLocalImages(draft: Draft, directory: string): Promise<readonly Diagnostic[]> {
  const diagnostics: Diagnostic[] = [];
  for (const image of imagesOf(draft)) {
    try {
      const reference = parseBaseReference(image.reference);
      if (reference.kind !== "local") continue;
      const path = resolve(directory, reference.path);
      await inspectLocalImage(path, reference.written, `there is no ${path}`);
    } catch (error) {
      diagnostics.push(locateFailure(error, image));
    }
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

interface Report {
  readonly findings: Findings;
  readonly signal: AbortSignal;
}

async function checkCopy(
  tree: ContextTree,
  definition: CopyDefinition<LookedUpImage>,
  { findings, signal }: Report,
): Promise<void> {
  const { source } = definition;
  if (source.kind !== "context") return;
  for (const pattern of source.patterns) {
    if (pattern.kind !== "path") continue;
    await tellTrouble(findings, pattern.range, async () => {
      const found = await selectSources(tree, pattern.pattern, { rules: rulesOf(source), signal });
      if (found.length === 0 && !source.ifExists) warnNothing(findings, pattern.pattern, pattern.range);
      checkDestination(found, definition);
    });
  }
}

async function checkMounts(
  tree: ContextTree,
  definition: RunDefinition<LookedUpImage>,
  { findings, signal }: Report,
): Promise<void> {
  for (const source of mountSourcesOf(definition)) {
    if (source.kind !== "context") continue;
    await tellTrouble(findings, source.range, async () => {
      await selectMounted(tree, source.path, { signal });
    });
  }
}

async function tellTrouble(findings: Findings, range: Range, look: () => Promise<void>): Promise<void> {
  try {
    await look();
  } catch (error) {
    if (!(error instanceof ContextTrouble)) throw error;
    findings.error(error.code, error.message, range, { hint: error.hint });
  }
}

function warnNothing(findings: Findings, pattern: string, range: Range): void {
  findings.warning("WildcardMatchesNothing", `nothing in the context matches ${pattern}`, range, {
    hint: "nothing is copied for it: correct the pattern, take it out, or say --if-exists when that is meant",
  });
}
