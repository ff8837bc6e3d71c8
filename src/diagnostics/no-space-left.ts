import { Failure, systemErrorCode } from "./failure.ts";

/** `NoSpaceLeft` for a full disk; any other error as it is. */
export function noSpaceLeft(error: unknown, folder: string): unknown {
  if (systemErrorCode(error) !== "ENOSPC") return error;
  return new Failure({
    code: "NoSpaceLeft",
    category: "environment",
    message: `no space is left for ${folder}`,
    hint: "make room on that disk, or move LIGHTBOX_HOME to a larger one",
    cause: error,
  });
}
