import { posix } from "node:path";
import pLimit from "p-limit";
import { didYouMean } from "../../diagnostics/suggest.ts";
import type { CopyEntry, CopyTree } from "./copy-tree.ts";
import type { GuestFile } from "./guest-file.ts";
import type { GuestFiles } from "./guest-files.ts";
import { type NamePattern, parsePathPattern } from "./path-pattern.ts";
import { StepRefused } from "./step-refused.ts";

const readsAtOnce = 16;

/** Filesystems that the runtime mounts; they are no part of a stage. */
const runtimeMounts: ReadonlySet<string> = new Set(["/proc", "/sys", "/dev", "/.msb"]);

/**
 * What paths, perhaps with wildcards, name in a stage's root filesystem.
 * @throws StepRefused `CopySourceNotFound`, with near names, for a missing path without wildcards
 */
export async function stageTrees(files: GuestFiles, paths: readonly string[]): Promise<readonly CopyTree[]> {
  const trees: CopyTree[] = [];
  for (const path of paths) {
    for (const found of await expand(files, path)) trees.push(await readTree(files, path, found));
  }
  return trees;
}

async function expand(files: GuestFiles, pattern: string): Promise<readonly string[]> {
  const components = parsePathPattern(pattern);
  let found: readonly string[] = ["/"];
  for (const component of components) {
    const next = await Promise.all(found.map((directory) => expandName(files, directory, component)));
    found = next.flat();
  }
  const isLiteral = components.every(({ literal }) => literal !== null);
  if (!isLiteral) return found;
  const [only] = found;
  if (only !== undefined && (await files.statIfExists(only)) !== undefined) return found;
  throw await sourceNotFound(files, pattern, components);
}

async function expandName(
  files: GuestFiles,
  directory: string,
  name: NamePattern,
): Promise<readonly string[]> {
  if (name.literal !== null) return [posix.join(directory, name.literal)];
  return (await namesIn(files, directory))
    .filter((candidate) => name.matches(candidate))
    .map((candidate) => posix.join(directory, candidate));
}

async function namesIn(files: GuestFiles, directory: string): Promise<readonly string[]> {
  if ((await files.statIfExists(directory))?.kind !== "directory") return [];
  return (await files.list(directory)).map(({ path }) => posix.basename(path));
}

async function sourceNotFound(
  files: GuestFiles,
  written: string,
  components: readonly NamePattern[],
): Promise<StepRefused> {
  let parent = "/";
  for (const { literal } of components) {
    const next = posix.join(parent, literal ?? "");
    if ((await files.statIfExists(next)) === undefined) {
      const hint = didYouMean(posix.basename(next), await namesIn(files, parent)) ?? correctPath;
      return new StepRefused("CopySourceNotFound", `the stage has no ${written}: there is no ${next}`, hint);
    }
    parent = next;
  }
  return new StepRefused("CopySourceNotFound", `the stage has no ${written}`, correctPath);
}

const correctPath =
  "correct the path: it is one in the stage's or image's own files, as its last step left them";

async function readTree(files: GuestFiles, written: string, path: string): Promise<CopyTree> {
  // A source that is a link, or is reached through one, is followed; links found below stay links.
  const root = await files.realPath(path);
  const found = await files.lstat(root);
  const name = posix.basename(path);
  if (found.kind !== "directory") {
    return { written, kind: "file", name, entries: [await copyEntry(files, found, root)] };
  }
  const entries = [await copyEntry(files, found, root)];
  const limit = pLimit(readsAtOnce);
  for (let level: readonly string[] = [root]; level.length > 0; ) {
    const listed = (await Promise.all(level.map((directory) => limit(() => files.list(directory))))).flat();
    const wanted = listed.filter((file) => !runtimeMounts.has(file.path));
    entries.push(...(await Promise.all(wanted.map((file) => limit(() => copyEntry(files, file, root))))));
    level = wanted.filter(({ kind }) => kind === "directory").map((file) => file.path);
  }
  return { written, kind: "directory", name, entries };
}

async function copyEntry(files: GuestFiles, file: GuestFile, root: string): Promise<CopyEntry> {
  const { mode, userId, groupId, modifiedSeconds } = file;
  const common = { path: posix.relative(root, file.path), owner: { userId, groupId }, modifiedSeconds };
  switch (file.kind) {
    case "file":
      return {
        kind: "file",
        ...common,
        mode,
        sizeBytes: file.sizeBytes,
        open: async () => files.read(file.path),
      };
    case "directory":
      return { kind: "directory", ...common, mode };
    case "symlink":
      return { kind: "symlink", ...common, target: await files.readLink(file.path) };
    case "other":
      throw new StepRefused(
        "CopyUnsupportedFile",
        `${file.path} is a device, pipe or socket, which cannot be copied`,
        "leave it out, or make it with RUN",
      );
  }
}
