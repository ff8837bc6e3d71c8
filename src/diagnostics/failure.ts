import type { Diagnostic } from "./diagnostic.ts";

/**
 * What kind of failure ended a command; decides the exit code.
 *
 * - `step`: a step or the sandbox's command failed (exit code 1)
 * - `usage`: a wrong Lightfile, flag or name (exit code 2)
 * - `environment`: the host, store, worker, registry or network is not fit (exit code 3)
 * - `cancelled`: the user stopped it (exit code 130)
 * - `internal`: a bug in lightbox (exit code 70)
 */
export type FailureCategory = "step" | "usage" | "environment" | "cancelled" | "internal";

export interface FailureDetails {
  /** Stable name in PascalCase, e.g. `StoreVersionTooNew`; listed in docs/errors.md. */
  readonly code: string;
  readonly category: FailureCategory;
  /** What happened, naming the thing it happened to. */
  readonly message: string;
  /** What to do about it; may be several lines. */
  readonly hint?: string;
  /** Located statements, when the failure comes from a text. */
  readonly diagnostics?: readonly Diagnostic[];
  readonly cause?: unknown;
}

/**
 * The one error class that lightbox throws on purpose. Anything else that reaches the command line is a bug
 * and is reported as `InternalError`.
 */
export class Failure extends Error {
  readonly code: string;
  readonly category: FailureCategory;
  readonly hint: string | undefined;
  readonly diagnostics: readonly Diagnostic[];

  constructor(details: FailureDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "Failure";
    this.code = details.code;
    this.category = details.category;
    this.hint = details.hint;
    this.diagnostics = details.diagnostics ?? [];
  }

  /** The same failure with these statements before its own. */
  withDiagnostics(diagnostics: readonly Diagnostic[]): Failure {
    const { code, category, message, hint, cause } = this;
    const both = [...diagnostics, ...this.diagnostics];
    return new Failure({
      code,
      category,
      message,
      diagnostics: both,
      cause,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

/** The `code` of a Node.js system error such as `ENOENT`, or undefined for any other value. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
