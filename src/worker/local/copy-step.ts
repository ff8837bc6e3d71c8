import { posix } from "node:path";
import { unreachable } from "../../diagnostics/unreachable.ts";
import type { LayerStore } from "../../layers/layer-store.ts";
import type { CopyOperation, CopySource } from "../../model/step-operation.ts";
import type { LineageClient } from "../worker.ts";
import { Builder } from "./builder.ts";
import { contextTrees } from "./copy-from-context.ts";
import { stageTrees } from "./copy-from-stage.ts";
import type { CopyTree } from "./copy-tree.ts";
import { CopyWriter } from "./copy-writer.ts";
import { ensureDirectory, ensureWorkingDirectories, type NewDirectory } from "./guest-directories.ts";
import type { MicroVm } from "./micro-vm.ts";
import type { Microsandbox } from "./microsandbox.ts";
import { removeRuntimeFiles } from "./runtime-files.ts";
import { notADirectory } from "./step-refused.ts";
import { readAccounts, resolveOwner, rootOwner } from "./users.ts";

export interface CopyHost {
  readonly microsandbox: Microsandbox;
  readonly store: LayerStore;
  imageReference(digest: string): Promise<string>;
}

/** Enough to read files: nothing runs in it. */
const stageReaderResources = { cpus: 1, memoryMib: 256 };

/**
 * Carries out a `COPY`.
 * @throws StepRefused `CopySourceNotFound`, `UnknownUser`, `NotADirectory`, …
 */
export async function copyStep(
  host: CopyHost,
  vm: MicroVm,
  operation: CopyOperation,
  client: LineageClient,
  signal: AbortSignal,
): Promise<void> {
  await ensureWorkingDirectories(vm.files, operation.directories);
  await withTrees(host, operation.source, { client, signal }, (trees) =>
    writeTrees(vm, operation, trees, signal),
  );
}

async function withTrees(
  host: CopyHost,
  source: CopySource,
  from: { readonly client: LineageClient; readonly signal: AbortSignal },
  write: (trees: readonly CopyTree[]) => Promise<void>,
): Promise<void> {
  switch (source.kind) {
    case "context":
      return write(contextTrees(source.sources, from.client));
    case "stage": {
      const stage = await openStage(host, source, from.signal);
      // The discard below waits for the same end and reports what goes wrong with it.
      const onAbort = () => void stage.kill().catch(() => undefined);
      from.signal.addEventListener("abort", onAbort, { once: true });
      try {
        await removeRuntimeFiles(stage.vm.files);
        return await write(await stageTrees(stage.vm.files, source.paths));
      } finally {
        from.signal.removeEventListener("abort", onAbort);
        await stage.discard();
      }
    }
    default:
      return unreachable(source);
  }
}

/** A second microVM on the stage's chain, to read from; what it writes is thrown away. */
async function openStage(
  host: CopyHost,
  stage: Extract<CopySource, { kind: "stage" }>,
  signal: AbortSignal,
): Promise<Builder> {
  const image = await host.imageReference(stage.imageDigest);
  const disk = await host.store.createWritable({ parent: stage.layer, diskSizeMib: stage.diskSizeMib });
  return Builder.start(
    {
      microsandbox: host.microsandbox,
      image,
      disk,
      resources: stageReaderResources,
      network: "none",
      keepAs: null,
      onStartAgain: () => undefined,
    },
    signal,
  );
}

async function writeTrees(
  vm: MicroVm,
  operation: CopyOperation,
  trees: readonly CopyTree[],
  signal: AbortSignal,
): Promise<void> {
  const { files } = vm;
  const owner = operation.owner === null ? null : resolveOwner(operation.owner, await readAccounts(files));
  const writer = new CopyWriter({ files, owner, mode: operation.mode, signal });
  const parents: NewDirectory = {
    owner: owner ?? rootOwner,
    mode: operation.mode?.kind === "octal" ? operation.mode.bits : 0o755,
  };
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
