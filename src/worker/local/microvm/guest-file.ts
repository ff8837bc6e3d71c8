export type GuestFileKind = "file" | "directory" | "symlink" | "other";

export interface GuestFile {
  /** Absolute guest path. */
  readonly path: string;
  readonly kind: GuestFileKind;
  readonly sizeBytes: number;
  /** Permission bits with set-user-id, set-group-id and sticky. */
  readonly mode: number;
  readonly userId: number;
  readonly groupId: number;
  /** Seconds since 1970. */
  readonly modifiedSeconds: number;
}

/** A file operation that the guest's kernel refused; `errno` names it as Node does, e.g. `ENOENT`. */
export class GuestFileError extends Error {
  readonly errno: string;
  readonly path: string;

  constructor(path: string, errno: string, message: string) {
    super(`${path}: ${message}`);
    this.name = "GuestFileError";
    this.errno = errno;
    this.path = path;
  }
}

export function guestErrno(error: unknown): string | undefined {
  return error instanceof GuestFileError ? error.errno : undefined;
}
