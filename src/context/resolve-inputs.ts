import { realpath, stat } from "node:fs/promises";
import type { Diagnosed } from "../diagnostics/diagnostic.ts";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import type { SourceFile } from "../diagnostics/source-file.ts";
import { Findings } from "../graph/findings.ts";
import { loadHasher } from "../graph/hash.ts";
import type { PlannedStep } from "../graph/plan.ts";
import type { ContextIgnore } from "./context-ignore.ts";
import { ContextTree } from "./context-tree.ts";
import { copiesFromContext, InputResolver, patternsOf, type ResolvedInputs } from "./input-resolver.ts";
import type { StatCache } from "./stat-cache.ts";

export type { ResolvedInputs };

export interface ResolveInputsOptions {
  /** The Lightfile, for diagnostics. */
  readonly source: SourceFile;
  readonly contextDirectory: string;
  readonly ignore: ContextIgnore;
  readonly statCache: StatCache;
  readonly signal: AbortSignal;
}

/**
 * Selects and hashes the files that COPYs among the steps name. The value is whole only when no diagnostic is an
 * error. Nothing is read from disk when no step copies from the context.
 *
 * @throws Failure `ContextNotFound`, `ContextNotDirectory`; the signal's reason when aborted
 */
export async function resolveInputs(
  plannedSteps: readonly PlannedStep[],
  options: ResolveInputsOptions,
): Promise<Diagnosed<ResolvedInputs>> {
  const hasher = await loadHasher();
  const findings = new Findings(options.source);
  const steps = plannedSteps.filter(copiesFromContext);
  const readsFiles = steps.some((step) => patternsOf(step).some((pattern) => pattern.kind === "path"));
  const root = readsFiles ? await contextRoot(options.contextDirectory) : options.contextDirectory;
  const resolver = new InputResolver({ ...options, findings, hasher }, new ContextTree(root, options.ignore));
  const value = await resolver.resolve(steps);
  await saveStatCache(options.statCache);
  return { value, diagnostics: findings.diagnostics };
}

async function contextRoot(directory: string): Promise<string> {
  try {
    const root = await realpath(directory);
    if ((await stat(root)).isDirectory()) return root;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    throw new Failure({
      code: "ContextNotFound",
      category: "usage",
      message: `the context directory ${directory} cannot be opened`,
      hint: "name an existing directory",
      cause: error,
    });
  }
  throw new Failure({
    code: "ContextNotDirectory",
    category: "usage",
    message: `the context ${directory} is not a directory`,
    hint: "name the directory that COPY reads from",
  });
}

/** The cache only saves time: whatever the system has against writing it does not stop a bake. */
async function saveStatCache(statCache: StatCache): Promise<void> {
  try {
    await statCache.save();
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
  }
}
