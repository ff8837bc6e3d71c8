import { posix } from "node:path";
import type { MountContent } from "../../../model/step-operation.ts";
import type { LineageClient } from "../../worker.ts";
import { contextTrees } from "../copy/copy-from-context.ts";
import { literalPattern } from "../copy/copy-from-stage.ts";
import type { CopyTree } from "../copy/copy-tree.ts";
import { copyTreeStream } from "../copy/copy-tree-stream.ts";
import type { StageReaders } from "../copy/stage-readers.ts";
import { unpackTree } from "../guest/guest-trees.ts";
import type { MicroVm } from "../microvm/micro-vm.ts";

export interface MountContentContext {
  readonly stages: StageReaders;
  readonly vm: MicroVm;
  readonly client: LineageClient;
  readonly signal: AbortSignal;
}

/** Writes what a mount shows into a directory; returns the path of the file or directory. */
export async function writeMountContent(
  content: MountContent,
  place: string,
  context: MountContentContext,
): Promise<string> {
  const { stages, client } = context;
  if (content.kind === "context") return writeTrees(contextTrees([content.source], client), place, context);
  const selection = {
    paths: [literalPattern(content.path)],
    excludes: [],
    keepsParents: false,
    ifExists: false,
  };
  let written = place;
  await stages.read({ ...content, ...selection }, async (trees) => {
    written = await writeTrees(trees, place, context);
  });
  return written;
}

async function writeTrees(
  trees: readonly CopyTree[],
  place: string,
  { vm, signal }: MountContentContext,
): Promise<string> {
  const [tree] = trees;
  if (tree === undefined) throw new Error("internal error: nothing to mount");
  const name = "file";
  const placed = { tree, place: tree.kind === "file" ? name : "", keepsRoot: false };
  const stream = copyTreeStream([placed], { owner: null, mode: null, signal });
  if (!(await unpackTree(vm, place, stream))) {
    throw new Error("internal error: the stream of a tree that is mounted broke off");
  }
  return tree.kind === "directory" ? place : posix.join(place, name);
}
