import { unreachable } from "../../../diagnostics/unreachable.ts";
import type { ContextSource, CopyOperation } from "../../../model/step-operation.ts";
import type { LineageClient } from "../../worker.ts";
import { ensureDirectory, ensureWorkingDirectories, type NewDirectory } from "../guest/guest-directories.ts";
import { type TreeGuest, unpackTree } from "../guest/guest-trees.ts";
import { notADirectory, StepRefused } from "../guest/step-refused.ts";
import { type Owner, readAccounts, resolveOwner, rootOwner } from "../guest/users.ts";
import { GuestFileError } from "../microvm/guest-file.ts";
import type { MicroVm } from "../microvm/micro-vm.ts";
import { archiveTree } from "./archive-tree.ts";
import { contextTrees } from "./copy-from-context.ts";
import { placeTrees } from "./copy-places.ts";
import type { CopyTree } from "./copy-tree.ts";
import { copyTreeStream } from "./copy-tree-stream.ts";
import type { StageReaders } from "./stage-readers.ts";

/** What is used of the microVM that is copied into. */
export type CopyGuest = TreeGuest & Pick<MicroVm, "files">;

/**
 * Carries out a `COPY`.
 * @throws StepRefused `CopySourceNotFound`, `UnknownUser`, `NotADirectory`, `ArchiveDamaged`, …
 */
export async function copyStep(
  stages: StageReaders,
  vm: CopyGuest,
  operation: CopyOperation,
  client: LineageClient,
  signal: AbortSignal,
): Promise<void> {
  await ensureWorkingDirectories(vm.files, operation.directories);
  const { source } = operation;
  switch (source.kind) {
    case "context":
      return writeSources(vm, operation, source.sources, { client, signal });
    case "stage":
      return stages.read(source, (trees) => writeTrees(vm, operation, trees, signal));
    default:
      return unreachable(source);
  }
}

/** Sources in their order; archives are unpacked, the rest is copied, neighbours together. */
async function writeSources(
  vm: CopyGuest,
  operation: CopyOperation,
  sources: readonly ContextSource[],
  { client, signal }: { readonly client: LineageClient; readonly signal: AbortSignal },
): Promise<void> {
  for (let at = 0; at < sources.length; ) {
    signal.throwIfAborted();
    const archiveAt = sources.findIndex(({ kind }, index) => index >= at && kind === "archive");
    const copied = sources.slice(at, archiveAt === -1 ? sources.length : archiveAt);
    if (copied.length > 0) await writeTrees(vm, operation, contextTrees(copied, client), signal);
    at += copied.length;
    const archive = sources[at];
    if (archive === undefined) break;
    await unpackArchive(vm, operation, archive, client);
    at += 1;
  }
}

async function unpackArchive(
  vm: CopyGuest,
  operation: CopyOperation,
  { written, entries }: ContextSource,
  client: LineageClient,
): Promise<void> {
  const [file] = entries;
  if (file?.kind !== "file") throw new Error(`internal error: the archive ${written} is no file`);
  const { owner, parents } = await ownersOf(vm, operation);
  await ensureDirectory(vm.files, operation.destination, parents);
  const directory = await vm.files.realPath(operation.destination);
  const content = await client.openContent(file.digest);
  const tree = archiveTree(content, { written, owner, mode: operation.mode });
  if (!(await unpackTree(vm, directory, tree))) {
    throw new Error(`internal error: the stream of the archive ${written} broke off`);
  }
}

/** Who owns what is copied (null: as the source says), and what directories on the way get. */
async function ownersOf(
  { files }: CopyGuest,
  operation: CopyOperation,
): Promise<{ readonly owner: Owner | null; readonly parents: NewDirectory }> {
  const owner = operation.owner === null ? null : resolveOwner(operation.owner, await readAccounts(files));
  const mode = operation.mode?.kind === "octal" ? operation.mode.bits : 0o755;
  return { owner, parents: { owner: owner ?? rootOwner, mode } };
}

async function writeTrees(
  vm: CopyGuest,
  operation: CopyOperation,
  trees: readonly CopyTree[],
  signal: AbortSignal,
): Promise<void> {
  const { owner, parents } = await ownersOf(vm, operation);
  const placed = await placeTrees(vm.files, { operation, parents }, trees);
  if (placed.length === 0) return;
  const stream = copyTreeStream(placed, { owner, mode: operation.mode, signal });
  try {
    if (!(await unpackTree(vm, "", stream)))
      throw new Error("internal error: the stream of a COPY broke off");
  } catch (error) {
    throw (error instanceof GuestFileError ? inTheWay(error) : undefined) ?? error;
  }
}

function inTheWay({ errno, path }: GuestFileError): StepRefused | undefined {
  if (errno === "ENOTDIR") return notADirectory(path);
  if (errno !== "EISDIR") return undefined;
  return new StepRefused(
    "CopyFileOntoDirectory",
    `${path} is a directory there and a file in the source`,
    "choose another destination, or remove the directory in an earlier RUN",
  );
}
