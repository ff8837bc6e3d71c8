import type { Stats } from "node:fs";

/**
 * What `lstat` says that changes whenever a file's content may have. Times and inode are doubles: they hold a
 * time to a quarter of a microsecond, far finer than any clock that stamps files, and cost less than BigInts
 * for tens of thousands of files.
 */
export interface FileFacts {
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly inode: number;
  /** Type and permission bits. */
  readonly mode: number;
}

export function fileFacts(stats: Stats): FileFacts {
  return {
    sizeBytes: stats.size,
    mtimeMs: stats.mtimeMs,
    ctimeMs: stats.ctimeMs,
    inode: stats.ino,
    mode: stats.mode,
  };
}

export function sameFacts(left: FileFacts, right: FileFacts): boolean {
  return (
    left.sizeBytes === right.sizeBytes &&
    left.mtimeMs === right.mtimeMs &&
    left.ctimeMs === right.ctimeMs &&
    left.inode === right.inode &&
    left.mode === right.mode
  );
}
