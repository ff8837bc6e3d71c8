import { setTimeout as delay } from "node:timers/promises";
import { systemErrorCode } from "../../diagnostics/failure.ts";
import { cancelled } from "../image-failures.ts";

/** Trouble that may be gone at the next attempt. */
export class TransientError extends Error {
  /** The server's own wish, from Retry-After. */
  readonly retryAfterMs: number | null;

  constructor(
    message: string,
    options: { readonly cause?: unknown; readonly retryAfterMs?: number | null } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "TransientError";
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

export interface RetryPolicy {
  readonly attempts: number;
  readonly firstDelayMs: number;
  /** Told before the wait. */
  onWait(reason: string, waitMs: number): void;
}

const maximumDelayMs = 30_000;

/**
 * Waits before the next attempt: twice as long each time, with some chance in it so that many clients do not come back at once.
 * @throws Failure `Cancelled`
 */
export async function waitBeforeRetry(
  failures: number,
  error: TransientError,
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
): Promise<void> {
  const backoffMs = policy.firstDelayMs * 2 ** (failures - 1) * (0.75 + Math.random() / 2);
  const waitMs = Math.min(error.retryAfterMs ?? backoffMs, maximumDelayMs);
  policy.onWait(error.message, waitMs);
  try {
    await delay(waitMs, undefined, signal === undefined ? {} : { signal });
  } catch (reason) {
    if (signal?.aborted === true) throw cancelled();
    throw reason;
  }
}

/** What fetch says of a port that it never opens ("port blocking" in its specification). */
export const refusedPort = "bad port";

/** Codes that will be the same the next time: no such host, nobody listens, a certificate that is not trusted. */
const lasting = new Set(["ENOTFOUND", "ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH"]);

/** The error behind fetch's "fetch failed". */
export function networkCause(error: unknown): { readonly message: string; readonly isTransient: boolean } {
  let current = error;
  while (current instanceof Error && current.cause instanceof Error) current = current.cause;
  // Several addresses were tried: they fail alike.
  if (current instanceof AggregateError) current = current.errors[0];
  const code = systemErrorCode(current) ?? "";
  const message = current instanceof Error ? current.message : String(current);
  const isCertificate = code.startsWith("ERR_TLS") || /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code);
  const isLasting = lasting.has(code) || isCertificate || message === refusedPort;
  return { message: message === "" ? code : message, isTransient: !isLasting };
}
