import { hash, randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { loadIgnoreFile } from "../context/ignore-file.ts";
import { openContent } from "../context/open-content.ts";
import { type ResolvedInputs, resolveInputs } from "../context/resolve-inputs.ts";
import { StatCache } from "../context/stat-cache.ts";
import { type Diagnosed, type Diagnostic, hasErrors } from "../diagnostics/diagnostic.ts";
import { Failure } from "../diagnostics/failure.ts";
import { type BaseReference, findBaseReferences } from "../graph/base-references.ts";
import { loadHasher } from "../graph/hash.ts";
import { isSnapshotName } from "../graph/instructions/snapshot.ts";
import { keyPlan } from "../graph/key-plan.ts";
import type { KeyedPlan } from "../graph/keyed-plan.ts";
import type { Plan } from "../graph/plan.ts";
import { planSteps } from "../graph/plan-steps.ts";
import { applyChecks } from "../lightfile/apply-checks.ts";
import type { Directive, LightfileTree } from "../lightfile/ast.ts";
import { parseLightfile } from "../lightfile/parse.ts";
import type { BaseImage } from "../model/base-image.ts";
import type { ContentDigest } from "../model/identifiers.ts";
import type { BakeProgress } from "./bake-progress.ts";
import type { BakeCollaborators, BakeRequest } from "./bake-request.ts";

/** A bake of which everything is known but what the worker holds. */
export interface PreparedBake {
  readonly keyed: KeyedPlan;
  /** The name to publish under; null: none. */
  readonly snapshotName: string | null;
  openContent(digest: ContentDigest): Promise<Readable>;
}

export interface Preparation {
  readonly request: BakeRequest;
  readonly collaborators: BakeCollaborators;
  readonly progress: BakeProgress;
  /** See `KeyPlanOptions.ground`; null: the keys as they are. */
  readonly ground: string | null;
}

/**
 * The phases up to the keys. Each runs only if those before left no error; what they found is in the progress'
 * diagnostics.
 * @returns null when there are errors
 */
export async function prepareBake(
  preparation: Preparation,
  signal: AbortSignal,
): Promise<PreparedBake | null> {
  const { request, progress, ground } = preparation;
  requireSnapshotName(request.snapshotName);
  const parsed = parseLightfile(request.lightfile);
  const accept = accepting(progress, parsed.value.directives);
  const tree = accept(parsed);
  if (tree === null) return null;
  const phases = { ...preparation, accept };
  const bases = await resolveBases(tree, phases, signal);
  if (bases === null) return null;
  const plan = accept(planSteps(tree, { ...request, bases }));
  if (plan === null) return null;
  const inputs = await readContext(plan, phases, signal);
  if (inputs === null) return null;
  const hasher = await loadHasher();
  return {
    keyed: keyPlan(plan, { inputs: inputs.inputs, hasher, ground, freshness: randomUUID() }),
    snapshotName: request.snapshotName ?? plan.snapshotName,
    openContent: (digest) => openContent(inputs.contentPaths, digest),
  };
}

function requireSnapshotName(name: string | null): void {
  if (name === null || isSnapshotName(name)) return;
  throw new Failure({
    code: "InvalidSnapshotName",
    category: "usage",
    message: `${JSON.stringify(name)} cannot name a snapshot`,
    hint: "use letters, digits, '.', '_' and '-', beginning with a letter or digit; '/' may stand between such parts",
  });
}

/** Reports what a phase found; its value, unless that includes an error. */
type Accept = <Value>(result: Diagnosed<Value>) => Value | null;

type Phases = Preparation & { readonly accept: Accept };

/** The file's own `# check=` decides which warnings count, and as what. */
function accepting(progress: BakeProgress, directives: readonly Directive[]): Accept {
  return ({ value, diagnostics }) => {
    const counted = applyChecks(directives, diagnostics);
    progress.report(counted);
    return hasErrors(counted) ? null : value;
  };
}

async function resolveBases(
  tree: LightfileTree,
  phases: Phases,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, BaseImage> | null> {
  const { request, progress, accept } = phases;
  const references = accept(findBaseReferences(tree, request));
  if (references === null) return null;
  const results = await Promise.allSettled(
    references.map((reference) => resolveBase(reference, phases, signal)),
  );
  const bases = new Map<string, BaseImage>();
  for (const result of results) {
    if (result.status === "rejected") throw result.reason;
    if (result.value.image === null) progress.report([result.value.diagnostic]);
    else bases.set(result.value.reference, result.value.image);
  }
  return bases.size === references.length ? bases : null;
}

type BaseResult =
  | { readonly reference: string; readonly image: BaseImage }
  | { readonly reference: string; readonly image: null; readonly diagnostic: Diagnostic };

/** A wrong reference is a mistake in the Lightfile; anything else is trouble with the environment, and thrown. */
async function resolveBase(
  { reference, range, hint }: BaseReference,
  { request, collaborators, progress }: Preparation,
  signal: AbortSignal,
): Promise<BaseResult> {
  const { platform, pull, lightfile } = request;
  const startedAt = progress.now();
  progress.emit({ kind: "base-resolving", reference });
  try {
    const { image, remembered } = await collaborators.images.resolve(reference, { platform, pull }, signal);
    const durationMs = progress.now() - startedAt;
    progress.emit({ kind: "base-resolved", reference, digest: image.digest, remembered, durationMs });
    return { reference, image };
  } catch (error) {
    if (!(error instanceof Failure) || error.category !== "usage") throw error;
    const advice = hint ?? error.hint;
    return {
      reference,
      image: null,
      diagnostic: {
        code: error.code,
        severity: "error",
        message: error.message,
        source: lightfile,
        range,
        ...(advice === undefined ? {} : { hint: advice }),
      },
    };
  }
}

async function readContext(
  plan: Plan,
  { request, collaborators, accept }: Phases,
  signal: AbortSignal,
): Promise<ResolvedInputs | null> {
  const { contextDirectory, lightfile } = request;
  const ignore = accept(await loadIgnoreFile(request));
  if (ignore === null) return null;
  const statCache = await StatCache.open({
    file: join(
      collaborators.homeDirectory,
      "stat-cache",
      hash("sha256", contextDirectory, "hex").slice(0, 32),
    ),
    hasher: await loadHasher(),
    now: () => collaborators.now(),
  });
  return accept(
    await resolveInputs(plan, { source: lightfile, contextDirectory, ignore, statCache, signal }),
  );
}
