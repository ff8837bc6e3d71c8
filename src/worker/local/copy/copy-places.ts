import { posix } from "node:path";
import type { CopyOperation } from "../../../model/step-operation.ts";
import { type DirectoryFiles, ensureDirectory, type NewDirectory } from "../guest/guest-directories.ts";
import { notADirectory } from "../guest/step-refused.ts";
import type { GuestFiles } from "../microvm/guest-files.ts";
import type { CopyTree } from "./copy-tree.ts";
import type { PlacedTree } from "./copy-tree-stream.ts";

/** What is used of the guest's files. */
export type PlaceFiles = DirectoryFiles & Pick<GuestFiles, "realPath">;

export interface PlaceOptions {
  readonly operation: Pick<CopyOperation, "destination" | "destinationIsDirectory">;
  /** Of directories that have to be made first. */
  readonly parents: NewDirectory;
}

/** What is at the destination, or will be when the trees before are written; its path has no links in it. */
interface Destination {
  readonly kind: "directory" | "file";
  readonly path: string;
}

/**
 * Where each tree of a COPY goes, relative to the guest's root; makes the directories that have to be there first. The
 * guest is asked before the first tree only, and links are followed there: what the destination is later follows from it.
 * @throws StepRefused `NotADirectory`
 */
export async function placeTrees(
  files: PlaceFiles,
  { operation, parents }: PlaceOptions,
  trees: readonly CopyTree[],
): Promise<readonly PlacedTree[]> {
  const { destination, destinationIsDirectory } = operation;
  const placed: PlacedTree[] = [];
  const place = (tree: CopyTree, path: string, keepsRoot: boolean) =>
    placed.push({ tree, place: posix.relative("/", path), keepsRoot });
  let there = trees.length === 0 ? null : await find(files, destination);
  for (const tree of trees) {
    const hasToBeDirectory = destinationIsDirectory || tree.kind === "directory";
    if (there?.kind === "file" && hasToBeDirectory) throw notADirectory(destination);
    if (tree.kind === "directory") {
      const keepsRoot = there !== null;
      there ??= { kind: "directory", path: await inParent(files, destination, parents) };
      place(tree, there.path, keepsRoot);
      continue;
    }
    if (there === null && hasToBeDirectory) {
      await ensureDirectory(files, destination, parents);
      there = { kind: "directory", path: await files.realPath(destination) };
    }
    there ??= { kind: "file", path: await inParent(files, destination, parents) };
    place(tree, there.kind === "file" ? there.path : posix.join(there.path, tree.name), false);
  }
  return placed;
}

async function find(files: PlaceFiles, path: string): Promise<Destination | null> {
  const found = await files.statIfExists(path);
  if (found === undefined) return null;
  const kind = found.kind === "directory" ? "directory" : "file";
  return { kind, path: await files.realPath(path) };
}

/** The path, its parent there and without links. */
async function inParent(files: PlaceFiles, path: string, parents: NewDirectory): Promise<string> {
  const parent = posix.dirname(posix.resolve("/", path));
  await ensureDirectory(files, parent, parents);
  return posix.join(await files.realPath(parent), posix.basename(path));
}
