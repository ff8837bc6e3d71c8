import { hash, randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { openContent } from "../context/open-content.ts";
import { isFetched } from "../context/remote-content.ts";
import { type InputsWithEvidence, resolveInputs } from "../context/resolve-inputs.ts";
import { StatCache } from "../context/stat-cache.ts";
import { type Diagnostic, hasErrors } from "../diagnostics/diagnostic.ts";
import { Failure } from "../diagnostics/failure.ts";
import type { BaseReference } from "../graph/base-references.ts";
import { checkedDiagnostics } from "../graph/checked-diagnostics.ts";
import { isSnapshotName } from "../graph/instructions/snapshot.ts";
import { loadHasher } from "../graph/keys/hash.ts";
import { keyPlan } from "../graph/keys/key-plan.ts";
import type { KeyedPlan } from "../graph/keys/keyed-plan.ts";
import type { Program } from "../graph/link/program.ts";
import type { PlannedStep } from "../graph/plan.ts";
import { planSteps } from "../graph/plan-steps.ts";
import type { Evidence } from "../model/evidence.ts";
import type { ContentDigest } from "../model/identifiers.ts";
import { withoutPassword } from "../sources/kept-git.ts";
import { loadProgram } from "../sources/load-program.ts";
import type { PinnedGit } from "../sources/pinned-git.ts";
import type { Pins } from "../sources/pins.ts";
import { evidenceOf } from "./bake-evidence.ts";
import type { BakeProgress } from "./bake-progress.ts";
import type { BakeCollaborators, BakeRequest } from "./bake-request.ts";
import { entryProgram, readPins } from "./entry-program.ts";
import { ReportedGit, reportedContent } from "./fetch-progress.ts";
import { openRemoteContent } from "./remote-content.ts";
import { resolveBases } from "./resolve-bases.ts";

/** A bake of which everything is known but what the worker holds. */
export interface PreparedBake {
  readonly keyed: KeyedPlan;
  /** The name to publish under; null: none. */
  readonly snapshotName: string | null;
  openContent(digest: ContentDigest): Promise<Readable>;
  /** The images, with the places that name them. */
  readonly bases: readonly BaseReference[];
  /** What the keys rest on besides the request; null: on more than files of this host. */
  evidence(): readonly Evidence[] | null;
}

export interface Preparation {
  readonly request: BakeRequest;
  readonly collaborators: BakeCollaborators;
  readonly progress: BakeProgress;
  /** See `KeyPlanOptions.ground`; null: the keys as they are. */
  readonly ground: string | null;
}

/**
 * The phases up to the keys. What a phase finds is in the progress' diagnostics; the next ones go on as far as they
 * can, so that one run tells all mistakes.
 * @returns null when there are errors
 * @throws Failure for trouble with an image's archive or registry, when there is no mistake to mend first
 */
export async function prepareBake(
  preparation: Preparation,
  signal: AbortSignal,
): Promise<PreparedBake | null> {
  const { request, collaborators, progress, ground } = preparation;
  requireSnapshotName(request.snapshotName);
  const { value: program, diagnostics } = await entryProgram(request);
  const phases = { ...preparation, report: reporting(progress, program) };
  phases.report(diagnostics);
  const pins = await readPins(request);
  const { homeDirectory, beforeSource } = collaborators;
  const git = new ReportedGit({ homeDirectory, pins, progress, beforeSource });
  const troubles: Failure[] = [];
  const onTrouble = (trouble: Failure): void => void troubles.push(trouble);
  const references = await loadProgram(program, request, {
    git,
    signal,
    mayAsk: !hasErrors(progress.diagnostics),
    onTrouble,
  });
  const mayAsk = troubles.length === 0 && !hasErrors([...progress.diagnostics, ...references.diagnostics]);
  phases.report(references.whileReading);
  const bases = await resolveBases(references.value.images, { ...phases, pins, mayAsk }, signal);
  const { value: plan, contextSteps, diagnostics: found } = planSteps(program, { ...request, ...bases });
  phases.report(found);
  const trouble = troubles[0] ?? bases.trouble;
  const mayFetch = trouble === null && !hasErrors(progress.diagnostics);
  const inputs = await readContext(contextSteps, { ...phases, pins, git, mayFetch }, signal);
  if (trouble !== null && !hasErrors(progress.diagnostics)) throw trouble;
  if (trouble !== null) phases.report(trouble.diagnostics);
  if (plan === null || hasErrors(progress.diagnostics)) return null;
  const hasher = await loadHasher();
  const keyed = keyPlan(plan, { inputs: inputs.value.inputs, hasher, ground, freshness: randomUUID() });
  return {
    keyed,
    snapshotName: request.snapshotName ?? plan.snapshotName,
    openContent: (digest) => openContent(inputs.value.contentPaths, digest),
    bases: references.value.images,
    evidence: () => evidenceOf({ request, program, contextSteps, bases, pins, inputs, keyed }),
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

type Report = (diagnostics: readonly Diagnostic[]) => void;

type Phases = Preparation & { readonly report: Report };

function reporting(progress: BakeProgress, program: Program): Report {
  return (diagnostics) => progress.report(checkedDiagnostics(program, diagnostics));
}

interface ReadingContext extends Phases {
  readonly pins: Pins;
  readonly git: PinnedGit;
  /** False when there are mistakes already: nothing is downloaded to find more. */
  readonly mayFetch: boolean;
}

async function readContext(
  steps: readonly PlannedStep[],
  { request, collaborators, progress, report, pins, git, mayFetch }: ReadingContext,
  signal: AbortSignal,
): Promise<InputsWithEvidence> {
  const hasher = await loadHasher();
  const openStatCache = (directory: string): Promise<StatCache> =>
    StatCache.open({
      file: join(collaborators.homeDirectory, "stat-cache", hash("sha256", directory, "hex").slice(0, 32)),
      hasher,
      now: () => collaborators.now(),
    });
  const entry = { directory: request.contextDirectory, lightfilePath: request.lightfilePath };
  const { homeDirectory, beforeSource, beforeDownload: beforeFirst } = collaborators;
  const downloads = openRemoteContent({
    homeDirectory,
    pins,
    git,
    beforeSource,
    onProgress: ({ url, ...amount }) =>
      progress.emit({ kind: "source-progress", source: withoutPassword(url), ...amount }),
    ...(beforeFirst === undefined ? {} : { beforeFirst }),
  });
  const remote = reportedContent(downloads, progress);
  try {
    const read = mayFetch ? steps : steps.map(withoutDownloads);
    const inputs = await resolveInputs(read, { entry, openStatCache, remote, signal });
    report(inputs.diagnostics);
    return inputs;
  } catch (error) {
    throw error instanceof Failure ? error.withDiagnostics(errorsIn(progress.diagnostics)) : error;
  }
}

function withoutDownloads(step: PlannedStep): PlannedStep {
  const { definition } = step;
  if (definition.kind !== "copy" || definition.source.kind !== "context") return step;
  const { source } = definition;
  const patterns = source.patterns.filter((pattern) => !isFetched(pattern));
  return { ...step, definition: { ...definition, source: { ...source, patterns } } };
}

function errorsIn(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return diagnostics.filter(({ severity }) => severity === "error");
}
