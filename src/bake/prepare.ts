import { hash, randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { openContent } from "../context/open-content.ts";
import { type ResolvedInputs, resolveInputs } from "../context/resolve-inputs.ts";
import { StatCache } from "../context/stat-cache.ts";
import { type Diagnosed, type Diagnostic, hasErrors } from "../diagnostics/diagnostic.ts";
import { Failure } from "../diagnostics/failure.ts";
import type { BaseReference } from "../graph/base-references.ts";
import { loadHasher } from "../graph/hash.ts";
import { isSnapshotName } from "../graph/instructions/snapshot.ts";
import { keyPlan } from "../graph/key-plan.ts";
import type { KeyedPlan } from "../graph/keyed-plan.ts";
import type { Program } from "../graph/link/program.ts";
import type { Plan } from "../graph/plan.ts";
import { planSteps } from "../graph/plan-steps.ts";
import type { BaseImage } from "../model/base-image.ts";
import type { ContentDigest } from "../model/identifiers.ts";
import { loadProgram } from "../sources/load-program.ts";
import { locateFailure } from "../sources/located.ts";
import { PinnedGit } from "../sources/pinned-git.ts";
import type { Pins } from "../sources/pins.ts";
import type { BakeProgress } from "./bake-progress.ts";
import type { BakeCollaborators, BakeRequest } from "./bake-request.ts";
import { checkedDiagnostics } from "./checked-diagnostics.ts";
import { entryProgram, readPins } from "./entry-program.ts";
import { resolvePinned } from "./pinned-images.ts";
import { openRemoteContent } from "./remote-content.ts";

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
  const { request, collaborators, progress, ground } = preparation;
  requireSnapshotName(request.snapshotName);
  const entry = await entryProgram(request);
  const program = entry.value;
  const phases = { ...preparation, accept: accepting(progress, program) };
  if (phases.accept(entry) === null) return null;
  const pins = await readPins(request);
  const git = new PinnedGit({ homeDirectory: collaborators.homeDirectory, pins });
  const bases = await resolveBases(program, { ...phases, pins, git }, signal);
  if (bases === null) return null;
  const plan = phases.accept(planSteps(program, { ...request, bases }));
  if (plan === null) return null;
  const inputs = await readContext(plan, { ...phases, pins, git }, signal);
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

function accepting(progress: BakeProgress, program: Program): Accept {
  return ({ value, diagnostics }) => {
    const counted = checkedDiagnostics(program, diagnostics);
    progress.report(counted);
    return hasErrors(counted) ? null : value;
  };
}

interface WithPins extends Phases {
  readonly pins: Pins;
  readonly git: PinnedGit;
}

async function resolveBases(
  program: Program,
  phases: WithPins,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, BaseImage> | null> {
  const { request, progress, accept, git } = phases;
  const references = accept(await loadProgram(program, request, { git, signal }));
  if (references === null) return null;
  const { images } = references;
  const results = await Promise.allSettled(images.map((image) => resolveBase(image, phases, signal)));
  const bases = new Map<string, BaseImage>();
  for (const result of results) {
    if (result.status === "rejected") throw result.reason;
    if (result.value.image === null) progress.report([result.value.diagnostic]);
    else bases.set(result.value.reference, result.value.image);
  }
  return bases.size === images.length ? bases : null;
}

type BaseResult =
  | { readonly reference: string; readonly image: BaseImage }
  | { readonly reference: string; readonly image: null; readonly diagnostic: Diagnostic };

/** A wrong reference is a mistake in the Lightfile; anything else is trouble with the environment, and thrown. */
async function resolveBase(
  base: BaseReference,
  { request, collaborators, progress, pins }: WithPins,
  signal: AbortSignal,
): Promise<BaseResult> {
  const { reference } = base;
  const { homeDirectory } = collaborators;
  const startedAt = progress.now();
  progress.emit({ kind: "base-resolving", reference });
  try {
    const { image, remembered } = await resolvePinned(
      reference,
      { images: collaborators.images, platform: request.platform, pull: request.pull, pins, homeDirectory },
      signal,
    );
    const durationMs = progress.now() - startedAt;
    progress.emit({ kind: "base-resolved", reference, digest: image.digest, remembered, durationMs });
    return { reference, image };
  } catch (error) {
    const diagnostic = locateFailure(error, base);
    const { hint } = base;
    const isUnknown = diagnostic.code !== "LockMissing" && diagnostic.code !== "LockStale";
    return {
      reference,
      image: null,
      diagnostic: hint === null || !isUnknown ? diagnostic : { ...diagnostic, hint },
    };
  }
}

async function readContext(
  plan: Plan,
  { request, collaborators, accept, pins, git }: WithPins,
  signal: AbortSignal,
): Promise<ResolvedInputs | null> {
  const hasher = await loadHasher();
  const openStatCache = (directory: string): Promise<StatCache> =>
    StatCache.open({
      file: join(collaborators.homeDirectory, "stat-cache", hash("sha256", directory, "hex").slice(0, 32)),
      hasher,
      now: () => collaborators.now(),
    });
  const entry = { directory: request.contextDirectory, lightfilePath: request.lightfilePath };
  const { homeDirectory, beforeDownload: beforeFirst } = collaborators;
  const remote = openRemoteContent({
    homeDirectory,
    pins,
    git,
    ...(beforeFirst === undefined ? {} : { beforeFirst }),
  });
  return accept(await resolveInputs(plan, { entry, openStatCache, remote, signal }));
}
