import { Failure } from "../diagnostics/failure.ts";
import type { CopyPattern } from "../graph/plan.ts";
import type { Sha256Digest } from "../model/identifiers.ts";
import type { Place } from "./context-trouble.ts";

export type UrlPattern = Extract<CopyPattern, { kind: "url" }>;
export type GitPattern = Extract<CopyPattern, { kind: "git" }>;

/** Whether a source is fetched from elsewhere. */
export function isFetched(pattern: CopyPattern): pattern is UrlPattern | GitPattern {
  return pattern.kind === "url" || pattern.kind === "git";
}

/** A file of the web that has been looked up, and is on this host unless nobody has asked for it for long. */
export interface FetchedFile {
  /** Absolute path on this host; the file is never changed in place. */
  readonly path: string;
  readonly sha256: Sha256Digest;
}

/** The files of a git repository at a commit, on this host. */
export interface FetchedTree {
  readonly commit: string;
  /** Absolute; without `.git`, and never changed. */
  readonly directory: string;
  /** What `.git` would be. */
  readonly gitDirectory: string;
}

/**
 * What ADD fetches. Both throw a Failure of the category `usage` for what the Lightfile says wrong (no such file, another
 * checksum, no such ref), and of `environment` for trouble on the way.
 */
export interface RemoteContent {
  fetchUrl(pattern: UrlPattern, signal: AbortSignal): Promise<FetchedFile>;
  fetchGit(pattern: GitPattern, signal: AbortSignal): Promise<FetchedTree>;
}

/**
 * What a failed fetch is, at the word that asks for it.
 *
 * @throws what is no mistake in the text; a failure then carries the place
 */
export function remoteTrouble(
  error: unknown,
  { findings, range }: Place,
): { readonly code: string; readonly message: string; readonly hint: string | undefined } {
  if (!(error instanceof Failure)) throw error;
  const { code, message, hint, category } = error;
  if (category === "usage") return { code, message, hint };
  if (category !== "environment" || error.diagnostics.length > 0) throw error;
  const advice = hint === undefined ? {} : { hint };
  const place = { code, severity: "error", message, source: findings.source, range, ...advice } as const;
  throw new Failure({ code, category, message, cause: error, ...advice, diagnostics: [place] });
}
