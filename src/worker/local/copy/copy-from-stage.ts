import { posix } from "node:path";
import { didYouMean } from "../../../diagnostics/suggest.ts";
import { unreachable } from "../../../diagnostics/unreachable.ts";
import type { StageSelection } from "../../../model/step-operation.ts";
import { listTrees, type TreeGuest } from "../guest/guest-trees.ts";
import { StepRefused } from "../guest/step-refused.ts";
import type { TreeEntry } from "../guest/tree-stream.ts";
import type { GuestFiles } from "../microvm/guest-files.ts";
import { excluding, withoutExcluded } from "./copy-excludes.ts";
import type { CopyDirectory, CopyFile, CopySymlink, CopyTree } from "./copy-tree.ts";
import { type NamePattern, parsePathPattern } from "./path-pattern.ts";
import { StageContents } from "./stage-contents.ts";

/** Filesystems that the runtime mounts; they are no part of a stage. */
const runtimeMounts: ReadonlySet<string> = new Set(["/proc", "/sys", "/dev", "/.msb"]);

/** What is used of a stage's files. */
export type StageReader = Pick<GuestFiles, "lstatIfExists" | "stat" | "statIfExists" | "list" | "read">;

/** A stage that is read: its helper tells of many files at once, its agent of one at a time. */
export type StageGuest = TreeGuest & { readonly files: StageReader };

/** A file that will be read from the stage. */
type StageFile = Omit<CopyFile, "open"> & { readonly from: string };
type StageEntry = StageFile | CopyDirectory | CopySymlink;
type StageTree = Omit<CopyTree, "entries"> & { readonly entries: readonly StageEntry[] };

/**
 * What paths, perhaps with wildcards, name in a stage's root filesystem. However many files there are below them, they
 * are listed in one exchange with the guest, and read in few.
 * @throws StepRefused `CopySourceNotFound`, with near names, for a missing path without wildcards
 */
export async function stageTrees(stage: StageGuest, selection: StageSelection): Promise<readonly CopyTree[]> {
  const { paths, keepsParents, ifExists } = selection;
  const found: NamedPath[] = [];
  for (const written of paths) {
    const pattern = readPattern(written, keepsParents);
    for (const one of await expand(stage.files, pattern, ifExists)) found.push({ ...one, written });
  }
  if (found.length === 0) return [];
  const lists = await listTrees(
    stage,
    found.map(({ path }) => path),
    [...runtimeMounts],
  );
  const isExcluded = excluding(selection.excludes);
  const implied = new ImpliedDirectories(stage.files);
  const trees: StageTree[] = [];
  for (const [position, one] of found.entries()) {
    const tree = stageTree(one, lists[position] ?? []);
    const placed = keepsParents ? await withParents(implied, tree, one) : tree;
    const kept = withoutExcluded(placed, isExcluded);
    if (kept !== null) trees.push(kept);
  }
  return withContents(stage, trees);
}

/** The files of all trees are read together, in their order. */
function withContents(stage: StageGuest, trees: readonly StageTree[]): readonly CopyTree[] {
  const files = trees.flatMap(({ entries }) => entries.filter((entry) => entry.kind === "file"));
  const contents = new StageContents(stage, files);
  return trees.map((tree) => ({
    ...tree,
    entries: tree.entries.map((entry) =>
      entry.kind === "file" ? { ...entry, open: () => contents.open(entry) } : entry,
    ),
  }));
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

interface NamedPath extends FoundPath {
  /** The source that it was found for. */
  readonly written: string;
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
    .map((candidate) => posix.join(directory, candidate))
    .filter((path) => !runtimeMounts.has(path));
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
      const where = next === posix.resolve("/", written) ? "" : `: there is no ${next}`;
      return new StepRefused("CopySourceNotFound", `the stage has no ${written}${where}`, hint);
    }
    parent = next;
  }
  return new StepRefused("CopySourceNotFound", `the stage has no ${written}`, correctPath);
}

const correctPath =
  "correct the path: it is one in the stage's or image's own files, as its last step left them";

function stageTree({ written, path }: NamedPath, listed: readonly TreeEntry[]): StageTree {
  const [root] = listed;
  if (root === undefined) throw new Error(`internal error: ${path} is not in the stage's list`);
  const entries = listed.map((entry) => stageEntry(entry, path)).toSorted(byLevel);
  const kind = root.kind === "directory" ? "directory" : "file";
  return { written, kind, name: posix.basename(path), entries };
}

/** Directories before what is in them, and the same order each time. */
function byLevel(left: StageEntry, right: StageEntry): number {
  const difference = levelOf(left) - levelOf(right);
  return difference !== 0 ? difference : left.path < right.path ? -1 : 1;
}

function levelOf({ path }: StageEntry): number {
  return path === "" ? 0 : path.split("/").length;
}

function stageEntry(
  { kind, path, link, mode, owner, sizeBytes, modifiedMs }: TreeEntry,
  root: string,
): StageEntry {
  const modifiedSeconds = modifiedMs === null ? null : Math.floor(modifiedMs / 1000);
  const common = { path, owner, modifiedSeconds };
  const from = posix.join(root, path);
  switch (kind) {
    case "file":
      return { kind, ...common, mode, sizeBytes, from };
    case "directory":
      return { kind, ...common, mode, isImplied: false };
    case "symlink":
      return { kind, ...common, target: link };
    case "pipe":
    case "other":
      throw new StepRefused(
        "CopyUnsupportedFile",
        `${from} is a device, pipe or socket, which cannot be copied`,
        "leave it out, or make it with RUN",
      );
    case "hard-link":
    case "directory-end":
      throw new Error(`internal error: ${from} is listed as ${kind}`);
    default:
      return unreachable(kind);
  }
}

/** The tree below its path, with the directories on the way: relative to the base. */
async function withParents(
  implied: ImpliedDirectories,
  tree: StageTree,
  { path, base }: FoundPath,
): Promise<StageTree> {
  const below = posix.relative(base, path);
  const ancestors: string[] = [];
  for (let at = below === "" ? "." : posix.dirname(below); ; at = posix.dirname(at)) {
    ancestors.unshift(at === "." ? "" : at);
    if (at === ".") break;
  }
  const onTheWay = await Promise.all(ancestors.map((at) => implied.find(base, at)));
  const placed = tree.entries
    .map((entry) => ({ ...entry, path: posix.join(below, entry.path) }))
    .map((entry) => ({ ...entry, path: entry.path === "." ? "" : entry.path.replace(/\/$/, "") }))
    .filter((entry) => entry.path !== "");
  return {
    written: tree.written,
    kind: "directory",
    name: posix.basename(base),
    entries: [...onTheWay, ...placed],
  };
}

/** Each is asked for once, however many files are below it. */
class ImpliedDirectories {
  readonly #files: Pick<StageReader, "stat">;
  readonly #found = new Map<string, ReturnType<StageReader["stat"]>>();

  constructor(files: Pick<StageReader, "stat">) {
    this.#files = files;
  }

  async find(base: string, at: string): Promise<CopyDirectory> {
    const path = posix.join(base, at);
    const found = this.#found.get(path) ?? this.#files.stat(path);
    this.#found.set(path, found);
    const { mode, userId, groupId } = await found;
    const owner = { userId, groupId };
    return { kind: "directory", path: at, mode, owner, modifiedSeconds: null, isImplied: true };
  }
}
