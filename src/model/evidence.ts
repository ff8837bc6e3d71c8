/** What `lstat` or `stat` says of a file. */
export interface EntryFacts {
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly inode: number;
  /** Type and permission bits. */
  readonly mode: number;
}

/**
 * Something on this host that an answer rests on. As long as all of its evidence is as it was, the same question has
 * the same answer, and nobody need think again.
 */
export type Evidence =
  /** Nothing is there. */
  | { readonly kind: "absent"; readonly path: string }
  /** Which file or folder it is, and not what is in it. */
  | { readonly kind: "place"; readonly path: string }
  /** What is in a file, or the names in a folder; links are followed. */
  | { readonly kind: "content"; readonly path: string }
  /** As `content`, of a file that is only ever replaced as a whole: no two of its states are the same file. */
  | { readonly kind: "replaced"; readonly path: string }
  /** A file or link of a folder, as it was when it was looked at; links are not followed. */
  | { readonly kind: "entry"; readonly path: string; readonly facts: EntryFacts };
