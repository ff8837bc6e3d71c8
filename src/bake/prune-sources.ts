import { randomUUID } from "node:crypto";
import { lstat, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { downloadsDirectoryOf, readDownloadNote } from "../context/download-notes.ts";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import { namesIn } from "../model/present-files.ts";
import { gitDirectoryOf, readRefNote } from "../sources/kept-git.ts";

/** What was fetched for a bake and is kept on this host: a commit of a repository, or a file of the web. */
export interface KeptSource {
  /** As people know it: the URL, or what it is kept by where that is not known. */
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  /** When a bake last took it. */
  readonly usedMs: number;
}

export interface PruneSourcesRequest {
  readonly homeDirectory: string;
  /** Remove what was used longest ago until at most this many bytes are left; null: all that is old enough. */
  readonly keepStorageBytes: number | null;
  /** Remove only what was last used longer ago; null: after a week, or an hour where a size is to be kept. */
  readonly olderThanMs: number | null;
  readonly dryRun: boolean;
  readonly nowMs: number;
  /** When the oldest bake began that goes on; null: none does. What was used since then may be in use. */
  readonly inUseSinceMs: number | null;
}

export interface PrunedSources {
  readonly removed: readonly KeptSource[];
  readonly freedBytes: number;
  readonly keptBytes: number;
}

/** A bake that has just begun may not have said so yet. */
const graceMs = 60 * 60 * 1000;
const weekMs = 7 * 24 * graceMs;

/**
 * Removes repositories and downloads that nobody took lately. A bake that needs one again fetches it again.
 * @throws Failure `ClientFileUnwritable`
 */
export async function pruneSources(request: PruneSourcesRequest): Promise<PrunedSources> {
  const { homeDirectory } = request;
  try {
    return await removeOld(request);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    throw new Failure({
      code: "ClientFileUnwritable",
      category: "environment",
      message: `what was fetched into ${homeDirectory} cannot be removed (${code})`,
      hint: "make its folders git and downloads writable for this user, or remove them by hand",
      cause: error,
    });
  }
}

async function removeOld(request: PruneSourcesRequest): Promise<PrunedSources> {
  const { homeDirectory, keepStorageBytes, olderThanMs, dryRun, nowMs, inUseSinceMs } = request;
  const sources = [
    ...(await keptRepositories(gitDirectoryOf(homeDirectory))),
    ...(await keptDownloads(downloadsDirectoryOf(homeDirectory))),
  ].sort((left, right) => left.usedMs - right.usedMs);
  const ageMs = olderThanMs ?? (keepStorageBytes === null ? weekMs : 0);
  const usedBeforeMs = Math.min(nowMs - Math.max(graceMs, ageMs), inUseSinceMs ?? Infinity);
  const removed: KeptSource[] = [];
  let keptBytes = sources.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  for (const source of sources) {
    if (source.usedMs >= usedBeforeMs || keptBytes <= (keepStorageBytes ?? -1)) break;
    if (!dryRun && !(await remove(source))) continue;
    keptBytes -= source.sizeBytes;
    removed.push(source);
  }
  const freedBytes = removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return { removed, freedBytes, keptBytes };
}

/** False: somebody took it while we looked, and it is put back. */
async function remove({ path, usedMs }: KeptSource): Promise<boolean> {
  const folder = dirname(path);
  const aside = join(folder, `.old-${randomUUID()}`);
  try {
    await rename(path, aside);
    if ((await stat(aside)).mtimeMs !== usedMs) {
      await rename(aside, path);
      return false;
    }
  } catch (error) {
    // Another prune was faster.
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
  await rm(aside, { recursive: true, force: true });
  if (basename(folder) === "downloads") await removeDownloadNotes(folder, basename(path));
  else await removeRefNotes(folder, basename(path));
  return true;
}

async function removeDownloadNotes(folder: string, hexDigest: string): Promise<void> {
  for (const name of await namesIn(join(folder, "urls"))) {
    const path = join(folder, "urls", name);
    const note = await readDownloadNote(path);
    if (note?.sha256 === `sha256:${hexDigest}`) await rm(path, { force: true });
  }
}

/** Of a repository of which nothing is left, nothing stays. */
async function removeRefNotes(folder: string, commit: string): Promise<void> {
  for (const name of await namesIn(folder)) {
    const note = name.startsWith("ref-") ? readRefNote(join(folder, name)) : null;
    if (note?.commit === commit) await rm(join(folder, name), { force: true });
  }
  try {
    await rmdir(folder);
  } catch (error) {
    // ENOTEMPTY, EEXIST: it has other commits; ENOENT: another prune was faster.
    if (!["ENOTEMPTY", "EEXIST", "ENOENT"].includes(systemErrorCode(error) ?? "")) throw error;
  }
}

async function keptRepositories(folder: string): Promise<readonly KeptSource[]> {
  const sources: KeptSource[] = [];
  for (const repository of await namesIn(folder)) {
    const names = await namesIn(join(folder, repository));
    const notes = names.filter((name) => name.startsWith("ref-"));
    const known = new Map(
      notes.flatMap((name): [string, string][] => {
        const note = readRefNote(join(folder, repository, name));
        return note === null ? [] : [[note.commit, note.name]];
      }),
    );
    for (const name of names) {
      if (notes.includes(name)) continue;
      const shown = known.get(name) ?? (name.startsWith(".") ? "leftover of a repository" : `commit ${name}`);
      sources.push(...(await keptSource(join(folder, repository, name), shown)));
    }
  }
  return sources;
}

async function keptDownloads(folder: string): Promise<readonly KeptSource[]> {
  const urls = new Map<string, string>();
  for (const name of await namesIn(join(folder, "urls"))) {
    const note = await readDownloadNote(join(folder, "urls", name));
    if (note !== null) urls.set(note.sha256.slice("sha256:".length), note.url);
  }
  const sources: KeptSource[] = [];
  for (const name of await namesIn(folder)) {
    if (name === "urls") continue;
    const shown = urls.get(name) ?? (name.startsWith(".") ? "leftover of a download" : `sha256:${name}`);
    sources.push(...(await keptSource(join(folder, name), shown)));
  }
  return sources;
}

/** None when another process has removed it meanwhile. */
async function keptSource(path: string, name: string): Promise<readonly KeptSource[]> {
  try {
    const { mtimeMs: usedMs } = await stat(path);
    return [{ name, path, sizeBytes: await sizeOf(path), usedMs }];
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    return [];
  }
}

/** On the disk; links are not followed. */
async function sizeOf(path: string): Promise<number> {
  const status = await lstat(path);
  let sizeBytes = status.blocks * 512;
  if (!status.isDirectory()) return sizeBytes;
  for (const name of await readdir(path)) sizeBytes += await sizeOf(join(path, name));
  return sizeBytes;
}
