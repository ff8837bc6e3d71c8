import { posix } from "node:path";
import type { CopyOperation } from "../../../model/step-operation.ts";
import { type DirectoryFiles, makeDirectories, type NewDirectory } from "../guest/guest-directories.ts";
import { followPath } from "../guest/guest-path.ts";
import { notADirectory } from "../guest/step-refused.ts";
import type { CopyTree } from "./copy-tree.ts";
import type { PlacedTree } from "./copy-tree-stream.ts";

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
  files: DirectoryFiles,
  { operation, parents }: PlaceOptions,
  trees: readonly CopyTree[],
): Promise<readonly PlacedTree[]> {
  const { destination, destinationIsDirectory } = operation;
  const placed: PlacedTree[] = [];
  const place = (tree: CopyTree, at: string, keepsRoot: boolean) =>
    placed.push({ tree, place: posix.relative("/", at), keepsRoot });
  if (trees.length === 0) return placed;
  const { path, found, missing } = await followPath(files, destination);
  let there: Destination | null =
    found === undefined ? null : { kind: found.kind === "directory" ? "directory" : "file", path };
  for (const tree of trees) {
    const hasToBeDirectory = destinationIsDirectory || tree.kind === "directory";
    if (there?.kind === "file" && hasToBeDirectory) throw notADirectory(destination);
    if (tree.kind === "directory") {
      const keepsRoot = there !== null;
      if (there === null) await makeDirectories(files, missing.slice(0, -1), parents);
      there ??= { kind: "directory", path };
      place(tree, there.path, keepsRoot);
      continue;
    }
    if (there === null) {
      await makeDirectories(files, hasToBeDirectory ? missing : missing.slice(0, -1), parents);
    }
    there ??= { kind: hasToBeDirectory ? "directory" : "file", path };
    place(tree, there.kind === "file" ? there.path : posix.join(there.path, tree.name), false);
  }
  return placed;
}
