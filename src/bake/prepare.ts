import { hash } from "node:crypto";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { loadIgnoreFile } from "../context/ignore-file.ts";
import { openContent } from "../context/open-content.ts";
import { type ResolvedInputs, resolveInputs } from "../context/resolve-inputs.ts";
import { StatCache } from "../context/stat-cache.ts";
import { type Diagnostic, hasErrors } from "../diagnostics/diagnostic.ts";
import { Failure } from "../diagnostics/failure.ts";
import { type BaseReference, findBaseReferences } from "../graph/base-references.ts";
import { loadHasher } from "../graph/hash.ts";
import { isSnapshotName } from "../graph/instructions/snapshot.ts";
import { keyPlan } from "../graph/key-plan.ts";
import type { KeyedPlan } from "../graph/keyed-plan.ts";
import type { PlannedStep } from "../graph/plan.ts";
import { planSteps } from "../graph/plan-steps.ts";
import { applyChecks } from "../lightfile/apply-checks.ts";
import type { Directive } from "../lightfile/ast.ts";
import { parseLightfile } from "../lightfile/parse.ts";
import type { ContentDigest } from "../model/identifiers.ts";
import type { BakeProgress } from "./bake-progress.ts";
import type { BakeCollaborators, BakeRequest } from "./bake-request.ts";
import { standOnGround } from "./no-cache.ts";
import { resolveBases } from "./resolve-bases.ts";

/** A bake of which everything is known but what the worker holds. */
export interface PreparedBake {
  readonly keyed: KeyedPlan;
  /** The name to publish under; null: none. */
  readonly snapshotName: string | null;
  openContent(digest: ContentDigest): Promise<Readable>;
  /** The images, with the places that name them. */
  readonly bases: readonly BaseReference[];
}

export interface Preparation {
  readonly request: BakeRequest;
  readonly collaborators: BakeCollaborators;
  readonly progress: BakeProgress;
  /** See no-cache.ts; null: the keys as they are. */
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
  const { request, progress, ground } = preparation;
  requireSnapshotName(request.snapshotName);
  const { value: tree, diagnostics } = parseLightfile(request.lightfile);
  const phases = { ...preparation, report: reporting(progress, tree.directives) };
  phases.report(diagnostics);
  const parseErrors = diagnostics.flatMap(({ severity, range }) => (severity === "error" ? [range] : []));
  const references = findBaseReferences(tree, { ...request, parseErrors });
  const mayAsk = !hasErrors([...progress.diagnostics, ...references.diagnostics]);
  const bases = await resolveBases(references.value, { ...phases, mayAsk }, signal);
  const {
    value: plan,
    contextCopies,
    diagnostics: found,
  } = planSteps(tree, { ...request, parseErrors, ...bases });
  phases.report(found);
  const inputs = await readContext(contextCopies, phases, signal);
  if (bases.trouble !== null && !hasErrors(progress.diagnostics)) throw bases.trouble;
  if (bases.trouble !== null) phases.report(bases.trouble.diagnostics);
  if (plan === null || inputs === null || hasErrors(progress.diagnostics)) return null;
  const hasher = await loadHasher();
  const keyed = keyPlan(plan, inputs.inputs, hasher);
  return {
    keyed: ground === null ? keyed : standOnGround(keyed, ground, hasher),
    snapshotName: request.snapshotName ?? plan.snapshotName,
    openContent: (digest) => openContent(inputs.contentPaths, digest),
    bases: references.value,
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

/** The file's own `# check=` decides which warnings count, and as what. */
function reporting(progress: BakeProgress, directives: readonly Directive[]): Report {
  return (diagnostics) => progress.report(applyChecks(directives, diagnostics));
}

/** Null when an ignore file has mistakes: what it leaves out is not known then. */
async function readContext(
  copies: readonly PlannedStep[],
  { request, collaborators, progress, report }: Phases,
  signal: AbortSignal,
): Promise<ResolvedInputs | null> {
  const { contextDirectory, lightfile } = request;
  try {
    const ignore = await loadIgnoreFile(request);
    report(ignore.diagnostics);
    if (hasErrors(ignore.diagnostics)) return null;
    const statCache = await StatCache.open({
      file: join(
        collaborators.homeDirectory,
        "stat-cache",
        hash("sha256", contextDirectory, "hex").slice(0, 32),
      ),
      hasher: await loadHasher(),
      now: () => collaborators.now(),
    });
    const options = { source: lightfile, contextDirectory, ignore: ignore.value, statCache, signal };
    const inputs = await resolveInputs(copies, options);
    report(inputs.diagnostics);
    return inputs.value;
  } catch (error) {
    throw error instanceof Failure ? error.withDiagnostics(errorsIn(progress.diagnostics)) : error;
  }
}

function errorsIn(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return diagnostics.filter(({ severity }) => severity === "error");
}
