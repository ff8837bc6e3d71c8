import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { Failure } from "../diagnostics/failure.ts";
import type { BaseReference } from "../graph/base-references.ts";
import type { BaseImage } from "../model/base-image.ts";
import type { Evidence } from "../model/evidence.ts";
import type { Pins } from "../sources/pins.ts";
import type { BakeProgress } from "./bake-progress.ts";
import type { BakeCollaborators, BakeRequest } from "./bake-request.ts";
import type { ImageRetry, ResolvedImage } from "./image-source.ts";
import { recallPinned, resolvePinned } from "./pinned-images.ts";

export interface ResolvingBases {
  readonly request: BakeRequest;
  readonly collaborators: BakeCollaborators;
  readonly progress: BakeProgress;
  readonly pins: Pins;
  /** False when there are mistakes already: nobody waits for a registry to be told of them. */
  readonly mayAsk: boolean;
  report(diagnostics: readonly Diagnostic[]): void;
}

export interface ResolvedBases {
  /** By reference. */
  readonly bases: ReadonlyMap<string, BaseImage>;
  readonly missing: ReadonlySet<string>;
  /** The first trouble with an archive or a registry, with its place. */
  readonly trouble: Failure | null;
  readonly evidence: readonly Evidence[];
}

/** Finds out what the references mean. Wrong ones are mistakes in the Lightfile, and reported. */
export async function resolveBases(
  references: readonly BaseReference[],
  resolving: ResolvingBases,
  signal: AbortSignal,
): Promise<ResolvedBases> {
  const results = await Promise.allSettled(
    references.map(({ reference }) => resolveBase(reference, resolving, signal)),
  );
  const bases = new Map<string, BaseImage>();
  const evidence: Evidence[] = [];
  let trouble: Failure | null = null;
  for (const [position, base] of references.entries()) {
    const result = results[position];
    if (result?.status === "fulfilled") {
      if (result.value !== null) {
        bases.set(base.reference, result.value.image);
        evidence.push(...result.value.evidence);
      }
      continue;
    }
    const error: unknown = result?.reason;
    if (!(error instanceof Failure) || error.category === "cancelled") throw error;
    const located = failureAt(base, error);
    if (error.category === "usage") resolving.report(located.diagnostics);
    else trouble ??= located;
  }
  const missing = new Set(references.map(({ reference }) => reference).filter((one) => !bases.has(one)));
  return { bases, missing, trouble, evidence };
}

async function resolveBase(
  reference: string,
  { request, collaborators, progress, pins, mayAsk }: ResolvingBases,
  signal: AbortSignal,
): Promise<ResolvedImage | null> {
  const { platform, pull } = request;
  const { images, homeDirectory } = collaborators;
  const options = { images, platform, pins, homeDirectory };
  if (!mayAsk) return await recallPinned(reference, options, signal);
  const startedAt = progress.now();
  progress.emit({ kind: "base-resolving", reference });
  const onRetry = (retry: ImageRetry): void => progress.emit({ kind: "base-retrying", reference, ...retry });
  const resolved = await resolvePinned(reference, { ...options, pull, onRetry }, signal);
  const { image, remembered } = resolved;
  const durationMs = progress.now() - startedAt;
  progress.emit({ kind: "base-resolved", reference, digest: image.digest, remembered, durationMs });
  return resolved;
}

/** Codes of what is wrong with the lock file, not with the image. */
const ofLock: ReadonlySet<string> = new Set(["LockMissing", "LockStale"]);

/** An image that is not there is a misspelt stage; of one that cannot be asked for, nobody knows. */
function adviceOn({ category, hint }: Failure, stageHint: string | null): string | undefined {
  if (stageHint === null) return hint;
  return category === "usage" || hint === undefined ? stageHint : `${stageHint}\n${hint}`;
}

/** The failure with the place of the FROM, or of the `--from`, that it is about. */
export function failureAt(
  { source, range, hint }: Pick<BaseReference, "source" | "range" | "hint">,
  failure: Failure,
): Failure {
  const advice = adviceOn(failure, ofLock.has(failure.code) ? null : hint);
  const { code, message } = failure;
  return failure.withDiagnostics([
    {
      code,
      severity: "error",
      message,
      source,
      range,
      ...(advice === undefined ? {} : { hint: advice }),
    },
  ]);
}
