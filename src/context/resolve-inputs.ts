import { realpathSync, statSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { type Diagnosed, hasErrors } from "../diagnostics/diagnostic.ts";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import { Findings, withoutRepeats } from "../graph/findings.ts";
import { loadHasher } from "../graph/keys/hash.ts";
import type { ContextFolder, PlannedStep } from "../graph/plan.ts";
import type { Evidence } from "../model/evidence.ts";
import { type ContextIgnore, ignoreNothing } from "./context-ignore.ts";
import { ContextTree } from "./context-tree.ts";
import { loadIgnoreFile } from "./ignore-file.ts";
import { InputResolver, type ResolvedInputs, readsContext, takesInputs } from "./input-resolver.ts";
import type { RemoteContent } from "./remote-content.ts";
import type { HashedTree } from "./selected-files.ts";
import type { StatCache } from "./stat-cache.ts";

export type { ResolvedInputs };

export interface ResolveInputsOptions {
  /** Of the Lightfile that is baked: its ignore file is read in any case, so that its mistakes are always told. */
  readonly entry: ContextFolder;
  /** Opens what is remembered of a context directory. */
  openStatCache(directory: string): Promise<StatCache>;
  readonly remote: RemoteContent;
  readonly signal: AbortSignal;
}

/**
 * Selects and hashes the files that the steps name, each in the folder of the file that the step stands in. The value
 * is whole only when no diagnostic is an error. No context is read that no step reads.
 *
 * @throws Failure `ContextNotFound`, `ContextNotDirectory`, `UnreadableIgnoreFile`, `IgnoreFileTooLarge`; the signal's
 *   reason when aborted
 */
export async function resolveInputs(
  plannedSteps: readonly PlannedStep[],
  options: ResolveInputsOptions,
): Promise<InputsWithEvidence> {
  const steps = plannedSteps.filter(takesInputs);
  const folders = new Map([
    [folderKey(options.entry), { folder: options.entry, steps: [] as PlannedStep[] }],
  ]);
  for (const step of steps) {
    const key = folderKey(step.context);
    const known = folders.get(key) ?? { folder: step.context, steps: [] };
    known.steps.push(step);
    folders.set(key, known);
  }
  const results: InputsWithEvidence[] = [];
  for (const { folder, steps: own } of folders.values()) {
    results.push(await resolveIn(folder, own, options));
  }
  return {
    value: {
      inputs: new Map(results.flatMap(({ value }) => [...value.inputs])),
      contentPaths: { get: (digest) => firstOf(results, ({ value }) => value.contentPaths.get(digest)) },
    },
    diagnostics: results.flatMap(({ diagnostics }) => diagnostics),
    evidence: () => results.flatMap(({ evidence }) => evidence()),
  };
}

export interface InputsWithEvidence extends Diagnosed<ResolvedInputs> {
  /** Of the folders that were read; of what was downloaded there is none. */
  evidence(): readonly Evidence[];
}

function folderKey({ directory, lightfilePath }: ContextFolder): string {
  return JSON.stringify([directory, lightfilePath]);
}

function firstOf<One, Result>(
  list: readonly One[],
  find: (one: One) => Result | undefined,
): Result | undefined {
  for (const one of list) {
    const result = find(one);
    if (result !== undefined) return result;
  }
  return undefined;
}

const nothingResolved: ResolvedInputs = { inputs: new Map(), contentPaths: new Map() };

async function resolveIn(
  folder: ContextFolder,
  steps: readonly PlannedStep[],
  { openStatCache, remote, signal }: ResolveInputsOptions,
): Promise<InputsWithEvidence> {
  const { directory, lightfilePath } = folder;
  const ignore = await loadIgnoreFile({ lightfilePath, contextDirectory: directory });
  // What it leaves out is not known then.
  if (hasErrors(ignore.diagnostics)) {
    return { value: nothingResolved, diagnostics: ignore.diagnostics, evidence: () => ignore.evidence };
  }
  const findings: Findings[] = [];
  const findingsFor = ({ source, wayHere = [] }: PlannedStep): Findings => {
    const known = findings.find((one) => one.source === source) ?? new Findings(source);
    if (!findings.includes(known)) findings.push(known);
    return wayHere.length === 0 ? known : known.within(source, ...wayHere);
  };
  const root = steps.some(readsContext) ? contextRoot(directory) : directory;
  const opened = new Map<string, Promise<HashedTree>>();
  const open = (path: string, rules: ContextIgnore): Promise<HashedTree> => {
    const known = opened.get(path);
    if (known !== undefined) return known;
    const tree = new ContextTree(path, rules);
    const opening = openStatCache(path).then((statCache) => ({ tree, statCache }));
    opened.set(path, opening);
    return opening;
  };
  const resolver = new InputResolver({
    context: await open(root, ignore.value),
    openFolder: async (path) => open(await realpath(path), ignoreNothing),
    remote,
    signal,
    findingsFor,
    hasher: await loadHasher(),
  });
  const value = await resolver.resolve(steps);
  const trees: ContextTree[] = [];
  for (const opening of opened.values()) {
    const { tree, statCache } = await opening;
    await saveStatCache(statCache);
    trees.push(tree);
  }
  const evidence = () => [...ignore.evidence, ...trees.flatMap((tree) => tree.evidence())];
  const diagnostics = [...ignore.diagnostics, ...withoutRepeats(findings.flatMap((one) => one.diagnostics))];
  return { value, diagnostics, evidence };
}

function contextRoot(directory: string): string {
  try {
    const root = realpathSync(directory);
    if (statSync(root).isDirectory()) return root;
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
