import type { Range, SourceFile } from "../diagnostics/source-file.ts";
import type { WorkingDirectory } from "../model/step-operation.ts";
import type { ContextFolder } from "./plan.ts";

/** A directory that a WORKDIR named, and where. */
export interface PendingDirectory {
  readonly directory: WorkingDirectory;
  /** Of the WORKDIR's line. */
  readonly historyIndex: number;
  readonly range: Range;
  readonly source: SourceFile;
  readonly context: ContextFolder;
}

/** The directories of WORKDIRs that no step has made yet. */
export class PendingDirectories {
  #pending: PendingDirectory[] = [];

  /** One that is named again by the same user is made once. */
  add(pending: PendingDirectory): void {
    const { path, user } = pending.directory;
    if (this.#pending.some(({ directory }) => directory.path === path && directory.user === user)) return;
    this.#pending.push(pending);
  }

  /** All of them, which a step now makes. */
  take(): readonly PendingDirectory[] {
    const taken = this.#pending;
    this.#pending = [];
    return taken;
  }
}
