import { Failure } from "../diagnostics/failure.ts";

/** The failures that several files of this folder raise, worded in one place. */

export function invalidReference(text: string, reason: string, hint?: string): Failure {
  return new Failure({
    code: "InvalidImageReference",
    category: "usage",
    message: `${JSON.stringify(text)} is not an image reference: ${reason}`,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** `what` names the thing that is broken: an archive's path, a blob's digest, an image's reference. */
export function imageCorrupt(
  what: string,
  reason: string,
  options: { cause?: unknown; hint?: string } = {},
): Failure {
  return new Failure({
    code: "ImageCorrupt",
    category: "environment",
    message: `${what} is damaged: ${reason}`,
    hint: options.hint ?? "make or fetch the image again",
    ...(options.cause === undefined ? {} : { cause: options.cause }),
  });
}

export function imageNotFound(what: string, hint: string, cause?: unknown): Failure {
  return new Failure({
    code: "ImageNotFound",
    category: "usage",
    message: `image ${what} does not exist`,
    hint,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** For an archive or layout that is there. `path` as a message shows it; `reason` without a full stop. */
export function imageUnreadable(path: string, reason: string, cause?: unknown): Failure {
  return new Failure({
    code: "ImageUnreadable",
    category: "usage",
    message: `the image ${path} cannot be read: ${reason}`,
    hint: "name an archive or a layout folder, and give yourself read access to it and the folders above it",
    ...(cause === undefined ? {} : { cause }),
  });
}

/** True for what the operating system has against an operation, such as EACCES. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}

/** What a system error while lightbox' own images are written means; anything else is given back as it is. */
export function storeTrouble(path: string, error: unknown): unknown {
  if (!isSystemError(error)) return error;
  if (error.code === "ENOSPC" || error.code === "EDQUOT") {
    return new Failure({
      code: "NoSpaceLeft",
      category: "environment",
      message: `no space left for base images in ${path}`,
      hint: "free some space on that disk, or choose another place for lightbox's data",
      cause: error,
    });
  }
  return new Failure({
    code: "ClientFileUnwritable",
    category: "environment",
    message: `cannot keep base images in ${path}: ${error.message}`,
    hint: "make LIGHTBOX_HOME writable and see that its disk has space left",
    cause: error,
  });
}

export function noMatchingPlatform(what: string, wanted: string, available: readonly string[]): Failure {
  const list = [...new Set(available)].sort().join(", ");
  return new Failure({
    code: "NoMatchingPlatform",
    category: "usage",
    message: `image ${what} is not made for ${wanted}`,
    hint: list === "" ? "it names no platform at all" : `it is made for ${list}`,
  });
}

export function cancelled(): Failure {
  return new Failure({
    code: "Cancelled",
    category: "cancelled",
    message: "the image was not fetched: cancelled",
  });
}

/** @throws Failure `Cancelled` when the signal has been aborted. */
export function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw cancelled();
}
