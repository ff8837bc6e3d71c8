import { type Dirent, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { loadIgnoreFile } from "../context/ignore-file.ts";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import type { FolderEntry } from "./suggestion.ts";

/** As large as a Lightfile may be for a bake. */
const largestFileBytes = 4 * 2 ** 20;
/** Bounds of the search for Lightfiles: a workspace can be a home folder. */
const mostEntries = 20_000;
const deepestFolder = 10;

export interface FileOnDisk {
  readonly text: string;
  /** Changes with the file. */
  readonly stamp: string;
}

/** Undefined when there is no such file, or it is no text that could be a Lightfile. */
export function readTextFile(path: string): FileOnDisk | undefined {
  return ifThere(() => {
    const status = statSync(path);
    if (!status.isFile() || status.size > largestFileBytes) return undefined;
    return { text: readFileSync(path, "utf8"), stamp: `${status.mtimeMs} ${status.size} ${status.ino}` };
  });
}

export function isFolder(path: string): boolean {
  return ifThere(() => statSync(path).isDirectory()) ?? false;
}

/** Sorted, folders first; empty when the folder cannot be read. */
export function listFolder(path: string): readonly FolderEntry[] {
  const entries = entriesOf(path).map((entry) => ({
    name: entry.name,
    isFolder: entry.isDirectory() || (entry.isSymbolicLink() && isFolder(join(path, entry.name))),
  }));
  return entries.toSorted((a, b) => Number(b.isFolder) - Number(a.isFolder) || (a.name < b.name ? -1 : 1));
}

/** Files below a folder whose name says that they are Lightfiles; hidden folders and packages left out. */
export function findLightfiles(folder: string): readonly string[] {
  const found: string[] = [];
  const waiting = [{ path: folder, depth: 0 }];
  let seen = 0;
  for (let next = waiting.shift(); next !== undefined && seen < mostEntries; next = waiting.shift()) {
    for (const entry of entriesOf(next.path)) {
      seen++;
      const path = join(next.path, entry.name);
      if (entry.isFile() && isLightfileName(entry.name)) found.push(path);
      const isWanted = entry.isDirectory() && !entry.name.startsWith(".") && entry.name !== "node_modules";
      if (isWanted && next.depth < deepestFolder) waiting.push({ path, depth: next.depth + 1 });
    }
  }
  return found;
}

function isLightfileName(name: string): boolean {
  return (
    /^(?:Lightfile|Dockerfile)(?:\..+)?$|\.(?:lightfile|dockerfile)$/i.test(name) &&
    !/(?:ignore|\.lock)$/i.test(name)
  );
}

/**
 * Says which paths of a Lightfile's context its ignore file leaves out; nothing when that cannot be read.
 * Paths are absolute.
 */
export async function ignoredBy(lightfilePath: string): Promise<(path: string) => boolean> {
  const root = dirname(lightfilePath);
  try {
    const { value } = await loadIgnoreFile({ lightfilePath, contextDirectory: root });
    return (path) => value.isIgnored(relative(root, path).split(sep).join("/"));
  } catch (error) {
    // UnreadableIgnoreFile, IgnoreFileTooLarge: a bake says so; here the files are offered all the same.
    if (error instanceof Failure) return () => false;
    throw error;
  }
}

/** Where a reference of a file in `folder` leads; the file `Lightfile` of a folder. */
export function resolveLightfile(folder: string, reference: string): string {
  const path = join(folder, reference);
  return isFolder(path) && basename(path) !== "Lightfile" ? join(path, "Lightfile") : path;
}

function entriesOf(path: string): readonly Dirent[] {
  return ifThere(() => readdirSync(path, { withFileTypes: true })) ?? [];
}

/** What may not be read is as good as not there: editors look at files that come and go. */
function ifThere<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}
