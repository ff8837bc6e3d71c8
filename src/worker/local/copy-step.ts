import { posix } from "node:path";
import { unreachable } from "../../diagnostics/unreachable.ts";
import type { LayerStore } from "../../layers/layer-store.ts";
import type { ContextSource, CopyOperation, StageFiles, StageSelection } from "../../model/step-operation.ts";
import type { LineageClient } from "../worker.ts";
import { archiveTree } from "./archive-tree.ts";
import { Builder } from "./builder.ts";
import { leastNeeds } from "./builder-needs.ts";
import { contextTrees } from "./copy-from-context.ts";
import { stageTrees } from "./copy-from-stage.ts";
import type { CopyTree } from "./copy-tree.ts";
import { CopyWriter } from "./copy-writer.ts";
import { ensureDirectory, ensureWorkingDirectories, type NewDirectory } from "./guest-directories.ts";
import { unpackTree } from "./guest-trees.ts";
import type { MicroVm } from "./micro-vm.ts";
import type { Microsandbox } from "./microsandbox.ts";
import { removeRuntimeFiles } from "./runtime-files.ts";
import { notADirectory } from "./step-refused.ts";
import { type Owner, readAccounts, resolveOwner, rootOwner } from "./users.ts";

export interface CopyHost {
  readonly microsandbox: Microsandbox;
  readonly store: LayerStore;
  imageReference(digest: string): Promise<string>;
}

/** Enough to read files: nothing runs in it. */
const stageReaderResources = { cpus: 1, memoryMib: 256 };

/**
 * Carries out a `COPY`.
 * @throws StepRefused `CopySourceNotFound`, `UnknownUser`, `NotADirectory`, `ArchiveDamaged`, …
 */
export async function copyStep(
  host: CopyHost,
  vm: MicroVm,
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
      return withStageTrees(host, source, signal, (trees) => writeTrees(vm, operation, trees, signal));
    default:
      return unreachable(source);
  }
}

/** Opens the stage for as long as `use` lasts. */
export async function withStageTrees(
  host: CopyHost,
  source: StageFiles & StageSelection,
  signal: AbortSignal,
  use: (trees: readonly CopyTree[]) => Promise<void>,
): Promise<void> {
  const stage = await openStage(host, source, signal);
  // The discard below waits for the same end and reports what goes wrong with it.
  const onAbort = () => void stage.kill().catch(() => undefined);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await removeRuntimeFiles(stage.vm.files);
    await use(await stageTrees(stage.vm.files, source));
  } finally {
    signal.removeEventListener("abort", onAbort);
    await stage.discard();
  }
}

/** A second microVM on the stage's chain, to read from; what it writes is thrown away. */
async function openStage(host: CopyHost, stage: StageFiles, signal: AbortSignal): Promise<Builder> {
  const image = await host.imageReference(stage.imageDigest);
  const disk = await host.store.createWritable({ parent: stage.layer, diskSizeMib: stage.diskSizeMib });
  return Builder.start(
    {
      microsandbox: host.microsandbox,
      image,
      disk,
      resources: stageReaderResources,
      needs: leastNeeds,
      scratch: null,
      volumes: new Map(),
      keepAs: null,
      onStartAgain: () => undefined,
    },
    signal,
  );
}

/** Sources in their order; archives are unpacked, the rest is copied. */
async function writeSources(
  vm: MicroVm,
  operation: CopyOperation,
  sources: readonly ContextSource[],
  { client, signal }: { readonly client: LineageClient; readonly signal: AbortSignal },
): Promise<void> {
  for (const source of sources) {
    signal.throwIfAborted();
    if (source.kind === "archive") await unpackArchive(vm, operation, source, client);
    else await writeTrees(vm, operation, contextTrees([source], client), signal);
  }
}

async function unpackArchive(
  vm: MicroVm,
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
  { files }: MicroVm,
  operation: CopyOperation,
): Promise<{ readonly owner: Owner | null; readonly parents: NewDirectory }> {
  const owner = operation.owner === null ? null : resolveOwner(operation.owner, await readAccounts(files));
  const mode = operation.mode?.kind === "octal" ? operation.mode.bits : 0o755;
  return { owner, parents: { owner: owner ?? rootOwner, mode } };
}

async function writeTrees(
  vm: MicroVm,
  operation: CopyOperation,
  trees: readonly CopyTree[],
  signal: AbortSignal,
): Promise<void> {
  const { files } = vm;
  const { owner, parents } = await ownersOf(vm, operation);
  const writer = new CopyWriter({ files, owner, mode: operation.mode, signal });
  for (const tree of trees) {
    const { target, keepsRoot } = await destinationOf(vm, operation, tree, parents);
    await writer.write(tree, target, { keepsRoot });
  }
}

interface Destination {
  /** Its parent is there and has no links in its path. */
  readonly target: string;
  /** The target is a directory that keeps its owner and mode. */
  readonly keepsRoot: boolean;
}

/** Where a source goes; makes the directories that have to be there first. Links are followed in the guest. */
async function destinationOf(
  { files }: MicroVm,
  { destination, destinationIsDirectory }: CopyOperation,
  tree: CopyTree,
  parents: NewDirectory,
): Promise<Destination> {
  const found = await files.statIfExists(destination);
  const hasToBeDirectory = destinationIsDirectory || tree.kind === "directory";
  if (found !== undefined && found.kind !== "directory" && hasToBeDirectory) throw notADirectory(destination);
  if (tree.kind === "directory") {
    if (found !== undefined) return { target: await files.realPath(destination), keepsRoot: true };
    return { target: await inParent(destination), keepsRoot: false };
  }
  if (hasToBeDirectory || found?.kind === "directory") {
    await ensureDirectory(files, destination, parents);
    return { target: posix.join(await files.realPath(destination), tree.name), keepsRoot: false };
  }
  if (found !== undefined) return { target: await files.realPath(destination), keepsRoot: false };
  return { target: await inParent(destination), keepsRoot: false };

  async function inParent(path: string): Promise<string> {
    const parent = posix.dirname(posix.resolve("/", path));
    await ensureDirectory(files, parent, parents);
    return posix.join(await files.realPath(parent), posix.basename(path));
  }
}
