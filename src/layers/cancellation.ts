import { Failure } from "../diagnostics/failure.ts";

export function cancelled(signal: AbortSignal): Failure {
  return new Failure({
    code: "Cancelled",
    category: "cancelled",
    message: "cancelled",
    cause: signal.reason,
  });
}

/** @throws Failure `Cancelled` once the signal is aborted */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw cancelled(signal);
}
