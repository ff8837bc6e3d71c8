import type { Stats } from "node:fs";
import type { EntryFacts } from "../model/evidence.ts";

/**
 * What `lstat` says that changes whenever a file's content may have. Times and inode are doubles: they hold a
 * time to a quarter of a microsecond, far finer than any clock that stamps files, and cost less than BigInts
 * for tens of thousands of files.
 */
export type FileFacts = EntryFacts;

export function fileFacts(stats: Stats): FileFacts {
  return {
    sizeBytes: stats.size,
    mtimeMs: stats.mtimeMs,
    ctimeMs: stats.ctimeMs,
    inode: stats.ino,
    mode: stats.mode,
  };
}

/** A time stamp may lag behind the clock by a tick of the kernel. */
const fineSlackMs = 100;
/** File systems that stamp whole seconds only, or every other one. */
const coarseSlackMs = 2000;

/**
 * Whether a file that was looked at after `sinceMs` (since 1970) could have been changed again and have the same facts
 * afterwards ("racily clean", as git calls it). Its file system and this host are taken to agree on the time.
 */
export function isRacy({ mtimeMs, ctimeMs }: FileFacts, sinceMs: number): boolean {
  const coarse = Number.isInteger(mtimeMs / 1000) && Number.isInteger(ctimeMs / 1000);
  return Math.max(mtimeMs, ctimeMs) >= sinceMs - (coarse ? coarseSlackMs : fineSlackMs);
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
