import type { Owner } from "../guest/users.ts";

/** One source of a COPY, wherever it comes from. */
export interface CopyTree {
  /** For messages. */
  readonly written: string;
  readonly kind: "file" | "directory";
  /** Base name; a file that is copied into a directory keeps it. */
  readonly name: string;
  /** A file's only entry has the path ''; of a directory: itself (path '') first, parents before children. */
  readonly entries: readonly CopyEntry[];
}

export type CopyEntry = CopyFile | CopyDirectory | CopySymlink;

interface CopyAttributes {
  /** Relative to the source. */
  readonly path: string;
  /** As the source has it; `--chown` may say otherwise. */
  readonly owner: Owner;
  /** Null: the time of the copy. */
  readonly modifiedSeconds: number | null;
}

export interface CopyFile extends CopyAttributes {
  readonly kind: "file";
  readonly mode: number;
  readonly sizeBytes: number;
  open(): Promise<AsyncIterable<Uint8Array> | Iterable<Uint8Array>>;
}

export interface CopyDirectory extends CopyAttributes {
  readonly kind: "directory";
  readonly mode: number;
  /** Only on the way to what is copied: one that is there stays as it is. */
  readonly isImplied: boolean;
}

export interface CopySymlink extends CopyAttributes {
  readonly kind: "symlink";
  readonly target: string;
}
