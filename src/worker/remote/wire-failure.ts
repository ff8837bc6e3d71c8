import * as v from "valibot";
import { Failure, type FailureCategory } from "../../diagnostics/failure.ts";

const categories = [
  "step",
  "usage",
  "environment",
  "cancelled",
  "internal",
] as const satisfies FailureCategory[];

/** A `Failure` as it crosses the network: without its cause and without located diagnostics. */
export const wireFailureSchema = v.object({
  code: v.string(),
  category: v.picklist(categories),
  message: v.string(),
  hint: v.nullable(v.string()),
});

export type WireFailure = v.InferOutput<typeof wireFailureSchema>;

/** Anything that is not a `Failure` is a bug of the worker and says so. */
export function toWireFailure(error: unknown): WireFailure {
  if (error instanceof Failure) {
    return {
      code: error.code,
      category: error.category,
      message: error.message,
      hint: error.hint ?? null,
    };
  }
  const detail = error instanceof Error ? error.message : String(error);
  return {
    code: "WorkerInternalError",
    category: "internal",
    message: `the worker met an internal error: ${detail}`,
    hint: "this is a bug in lightbox; the worker's own log has more",
  };
}

export function fromWireFailure(wire: WireFailure): Failure {
  const { hint, ...details } = wire;
  return new Failure(hint === null ? details : { ...details, hint });
}

/** HTTP status that goes with a failure, for people with curl and for proxies; clients read the body. */
export function httpStatusOf(failure: WireFailure): number {
  switch (failure.code) {
    case "WorkerRefusedToken":
      return 401;
    case "WorkerVersionMismatch":
      return 426;
    case "UnknownRoute":
      return 404;
    default:
      return statusOfCategory(failure.category);
  }
}

function statusOfCategory(category: FailureCategory): number {
  switch (category) {
    case "usage":
      return 400;
    case "step":
      return 422;
    case "cancelled":
      return 499;
    case "environment":
      return 503;
    case "internal":
      return 500;
  }
}
