import { systemErrorCode } from "../diagnostics/failure.ts";
import type { Range } from "../diagnostics/source-file.ts";
import type { Findings } from "../graph/findings.ts";

/** Why a source of the context cannot be copied; becomes a diagnostic at the source's word. */
export class ContextTrouble extends Error {
  readonly code: ContextTroubleCode;
  readonly hint: string | undefined;

  constructor(code: ContextTroubleCode, message: string, hint?: string) {
    super(message);
    this.name = "ContextTrouble";
    this.code = code;
    this.hint = hint;
  }
}

export type ContextTroubleCode =
  | "SourceNotFound"
  | "CopyIgnoredFile"
  | "OutsideContext"
  | "InvalidPattern"
  | "UnsupportedFileType"
  | "SymlinkLoop"
  | "UnreadableSource"
  | "ContextChanged"
  | "UnsupportedFileName"
  | "DestinationNotDirectory"
  | "NotAnArchive"
  | "ChecksumMismatch";

/** A file that is not what it was a moment ago. */
export function vanished(path: string): ContextTrouble {
  if (path.includes("\uFFFD")) {
    return new ContextTrouble(
      "UnsupportedFileName",
      `the name of ${path} is not UTF-8`,
      "rename it, or name it in .lightignore with a wildcard",
    );
  }
  return new ContextTrouble(
    "ContextChanged",
    `${path} changed while it was read`,
    "bake again when nothing writes to it, or name it in .lightignore",
  );
}

/** What a system error about a path in the context means; what is no system error is given back as it is. */
export function readTrouble(path: string, error: unknown): unknown {
  const shown = path === "" ? "the context directory" : path;
  switch (systemErrorCode(error)) {
    case "EACCES":
    case "EPERM":
      return new ContextTrouble(
        "UnreadableSource",
        `${shown} cannot be read: permission denied`,
        "give yourself read access, or name it in .lightignore",
      );
    case "ENOENT":
    case "ENOTDIR":
    case "ELOOP":
    case "EINVAL":
      return vanished(shown);
    default:
      if (!(error instanceof Error && "syscall" in error)) return error;
      return new ContextTrouble(
        "UnreadableSource",
        `${shown} cannot be read: ${error.message}`,
        "see what the system has against it, or name it in .lightignore",
      );
  }
}

/** The word that asks for something. */
export interface Place {
  readonly findings: Findings;
  readonly range: Range;
}

/** Tells of trouble at the word that asked for it. */
export function reportTrouble(
  {
    code,
    message,
    hint,
  }: { readonly code: string; readonly message: string; readonly hint?: string | undefined },
  { findings, range }: Place,
): void {
  findings.error(code, message, range, { hint });
}
