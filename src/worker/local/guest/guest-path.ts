import { posix } from "node:path";
import { type GuestFile, GuestFileError, guestErrno } from "../microvm/guest-file.ts";
import type { GuestFiles } from "../microvm/guest-files.ts";
import { notADirectory } from "./step-refused.ts";

/** As many links on the way to a file as Linux follows. */
const linkLimit = 40;

/** What is used of the guest's files. */
export type PathFiles = Pick<GuestFiles, "statIfExists" | "lstatIfExists" | "realPath" | "readLink">;

/** Where a path leads when its links are followed inside the guest, also those whose target is missing. */
export interface FollowedPath {
  /** Without links. */
  readonly path: string;
  /** What is there; undefined: nothing yet. */
  readonly found: GuestFile | undefined;
  /** What is missing of the path, the outermost first, the path itself last. */
  readonly missing: readonly string[];
}

/**
 * @param path absolute
 * @throws StepRefused `NotADirectory`
 * @throws GuestFileError `ELOOP`, which names a link, when there are more than 40
 */
export async function followPath(files: PathFiles, path: string): Promise<FollowedPath> {
  const found = await findBehindLinks(files, path);
  if (found === undefined) return followNames(files, path);
  return { path: await files.realPath(path), found, missing: [] };
}

/** What a path leads to. A loop of links is as good as missing: which link it is, the kernel does not say. */
export async function findBehindLinks(files: PathFiles, path: string): Promise<GuestFile | undefined> {
  try {
    return await files.statIfExists(path);
  } catch (error) {
    if (guestErrno(error) === "ELOOP") return undefined;
    throw error;
  }
}

/**
 * As {@link followPath} for a path that leads to nothing: name by name, because the kernel says only that it is missing.
 */
export async function followNames(files: PathFiles, path: string): Promise<FollowedPath> {
  const names = namesOf(path);
  const missing: string[] = [];
  let at = "/";
  let found: GuestFile | undefined;
  let links = 0;
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    if (found !== undefined && found.kind !== "directory") throw notADirectory(at);
    if (name === "..") {
      missing.pop();
      at = posix.dirname(at);
      found = undefined;
      continue;
    }
    const next = posix.join(at, name);
    const there = missing.length > 0 ? undefined : await files.lstatIfExists(next);
    if (there?.kind === "symlink") {
      links += 1;
      if (links > linkLimit) throw new GuestFileError(next, "ELOOP", "Too many levels of symbolic links");
      const target = await files.readLink(next);
      names.unshift(...namesOf(target));
      if (target.startsWith("/")) at = "/";
      continue;
    }
    at = next;
    found = there;
    if (there === undefined) missing.push(next);
  }
  // A way that ends with `..` has not looked at what it leads to.
  if (missing.length === 0) found ??= await files.lstatIfExists(at);
  return { path: at, found, missing };
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}
