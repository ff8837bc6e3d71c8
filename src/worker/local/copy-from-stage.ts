import { posix } from "node:path";
import pLimit from "p-limit";
import { didYouMean } from "../../diagnostics/suggest.ts";
import type { StageSelection } from "../../model/step-operation.ts";
import { excluding, withoutExcluded } from "./copy-excludes.ts";
import type { CopyEntry, CopyTree } from "./copy-tree.ts";
import type { GuestFile } from "./guest-file.ts";
import type { GuestFiles } from "./guest-files.ts";
import { type NamePattern, parsePathPattern } from "./path-pattern.ts";
import { StepRefused } from "./step-refused.ts";

const readsAtOnce = 16;

/** Filesystems that the runtime mounts; they are no part of a stage. */
const runtimeMounts: ReadonlySet<string> = new Set(["/proc", "/sys", "/dev", "/.msb"]);

/** What is used of a stage's files. */
export type StageReader = Pick<
  GuestFiles,
  "lstat" | "lstatIfExists" | "stat" | "statIfExists" | "list" | "realPath" | "readLink" | "read"
>;

/**
 * What paths, perhaps with wildcards, name in a stage's root filesystem.
 * @throws StepRefused `CopySourceNotFound`, with near names, for a missing path without wildcards
 */
export async function stageTrees(
  files: StageReader,
  selection: StageSelection,
): Promise<readonly CopyTree[]> {
  const { paths, keepsParents, ifExists } = selection;
  const isExcluded = excluding(selection.excludes);
  const trees: CopyTree[] = [];
  for (const path of paths) {
    const pattern = readPattern(path, keepsParents);
    for (const found of await expand(files, pattern, ifExists)) {
      const tree = await readTree(files, path, found.path);
      const placed = keepsParents ? await withParents(files, tree, found) : tree;
      const kept = withoutExcluded(placed, isExcluded);
      if (kept !== null) trees.push(kept);
    }
  }
  return trees;
}

/** A path as a pattern that names it alone. */
export function literalPattern(path: string): string {
  return path.replaceAll(/[\\*?[\]]/g, "\\$&");
}

interface StagePattern {
  readonly written: string;
  readonly components: readonly NamePattern[];
  /** How many components there are before the place from which `--parents` keeps the path. */
  readonly pivot: number;
}

interface FoundPath {
  readonly path: string;
  /** The directory from which on `--parents` keeps the path. */
  readonly base: string;
}

function readPattern(written: string, keepsParents: boolean): StagePattern {
  const pivotAt = keepsParents ? written.lastIndexOf("/./") : -1;
  const pivot = pivotAt === -1 ? 0 : parsePathPattern(written.slice(0, pivotAt)).length;
  return { written, components: parsePathPattern(written, { crossesDirectories: keepsParents }), pivot };
}

async function expand(
  files: StageReader,
  pattern: StagePattern,
  ifExists: boolean,
): Promise<readonly FoundPath[]> {
  const { components, pivot } = pattern;
  let found: readonly FoundPath[] = [{ path: "/", base: "/" }];
  for (const [index, component] of components.entries()) {
    if (index === pivot) found = found.map(({ path }) => ({ path, base: path }));
    const next = await Promise.all(found.map((one) => expandOne(files, one, component)));
    found = [...new Map(next.flat().map((one) => [one.path, one])).values()];
  }
  const isLiteral = components.every(({ literal }) => literal !== null);
  if (!isLiteral) return found;
  const [only] = found;
  if (only !== undefined && (await files.statIfExists(only.path)) !== undefined) return found;
  if (ifExists) return [];
  throw await sourceNotFound(files, pattern.written, components);
}

async function expandOne(
  files: StageReader,
  { path, base }: FoundPath,
  component: NamePattern,
): Promise<readonly FoundPath[]> {
  const paths = component.crossesDirectories
    ? await directoriesBelow(files, path)
    : await expandName(files, path, component);
  return paths.map((one) => ({ path: one, base }));
}

/** The directory and all below it; links are not gone through, so that none leads round in a circle. */
async function directoriesBelow(files: StageReader, directory: string): Promise<readonly string[]> {
  if ((await files.lstatIfExists(directory))?.kind !== "directory") return [];
  const all = [directory];
  for (let level: readonly string[] = [directory]; level.length > 0; ) {
    const listed = (await Promise.all(level.map((one) => files.list(one)))).flat();
    level = listed
      .filter((file) => file.kind === "directory" && !runtimeMounts.has(file.path))
      .map(({ path }) => path);
    all.push(...level);
  }
  return all;
}

async function expandName(
  files: StageReader,
  directory: string,
  name: NamePattern,
): Promise<readonly string[]> {
  if (name.literal !== null) return [posix.join(directory, name.literal)];
  return (await namesIn(files, directory))
    .filter((candidate) => name.matches(candidate))
    .map((candidate) => posix.join(directory, candidate));
}

async function namesIn(files: StageReader, directory: string): Promise<readonly string[]> {
  if ((await files.statIfExists(directory))?.kind !== "directory") return [];
  return (await files.list(directory)).map(({ path }) => posix.basename(path));
}

async function sourceNotFound(
  files: StageReader,
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

async function readTree(files: StageReader, written: string, path: string): Promise<CopyTree> {
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

async function copyEntry(files: StageReader, file: GuestFile, root: string): Promise<CopyEntry> {
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
      return { kind: "directory", ...common, mode, isImplied: false };
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

/** The tree below its path, with the directories on the way: relative to the base. */
async function withParents(files: StageReader, tree: CopyTree, { path, base }: FoundPath): Promise<CopyTree> {
  const below = posix.relative(base, path);
  const ancestors: string[] = [];
  for (let at = below === "" ? "." : posix.dirname(below); ; at = posix.dirname(at)) {
    ancestors.unshift(at === "." ? "" : at);
    if (at === ".") break;
  }
  const implied = await Promise.all(ancestors.map((at) => impliedDirectory(files, posix.join(base, at), at)));
  const placed = tree.entries
    .map((entry) => ({ ...entry, path: posix.join(below, entry.path) }))
    .map((entry) => ({ ...entry, path: entry.path === "." ? "" : entry.path.replace(/\/$/, "") }))
    .filter((entry) => entry.path !== "");
  return {
    written: tree.written,
    kind: "directory",
    name: posix.basename(base),
    entries: [...implied, ...placed],
  };
}

async function impliedDirectory(files: StageReader, path: string, at: string): Promise<CopyEntry> {
  const { mode, userId, groupId } = await files.stat(path);
  const owner = { userId, groupId };
  return { kind: "directory", path: at, mode, owner, modifiedSeconds: null, isImplied: true };
}
