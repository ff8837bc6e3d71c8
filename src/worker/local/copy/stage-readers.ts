import { unreachable } from "../../../diagnostics/unreachable.ts";
import type { LayerStore } from "../../../layers/layer-store.ts";
import { isScratch } from "../../../model/scratch.ts";
import type { RunMount, StageFiles, StageSelection, StepOperation } from "../../../model/step-operation.ts";
import { Builder } from "../builder/builder.ts";
import { leastNeeds } from "../builder/builder-needs.ts";
import { removeEmptyRuntimeDirectories, removeRuntimeFiles } from "../guest/runtime-files.ts";
import type { Microsandbox } from "../microvm/microsandbox.ts";
import { stageTrees } from "./copy-from-stage.ts";
import type { CopyTree } from "./copy-tree.ts";

/** Reads what steps take from stages. */
export interface StageReaders {
  /**
   * Hands out what a selection names in a stage, to be read while `use` lasts.
   * @throws StepRefused `CopySourceNotFound`
   */
  read(
    source: StageFiles & StageSelection,
    use: (trees: readonly CopyTree[]) => Promise<void>,
  ): Promise<void>;
}

export interface StageHost {
  readonly microsandbox: Microsandbox;
  readonly store: LayerStore;
  imageReference(digest: string): Promise<string>;
}

/** Enough to read files: nothing runs in it. */
const readerResources = { cpus: 1, memoryMib: 256 };

interface OpenStage {
  readonly id: string;
  readonly reader: Builder;
}

/**
 * The stages that a lineage's steps read, each in a microVM on its chain: one at a time, which stays up while steps read the
 * same stage, because most that copy from a stage do so several times.
 */
export class LineageStageReaders implements StageReaders, AsyncDisposable {
  readonly #host: StageHost;
  readonly #signal: AbortSignal;
  #open: OpenStage | undefined;
  readonly #onAbort = () => {
    // The disposal that follows waits for the same end and reports what goes wrong with it.
    this.#open?.reader.kill().catch(() => undefined);
  };

  constructor(host: StageHost, signal: AbortSignal) {
    this.#host = host;
    this.#signal = signal;
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  async read(
    source: StageFiles & StageSelection,
    use: (trees: readonly CopyTree[]) => Promise<void>,
  ): Promise<void> {
    const { vm } = await this.#readerOf(source);
    try {
      await use(await stageTrees(vm, source));
    } catch (error) {
      // It may be the reason.
      await this.close();
      throw error;
    }
  }

  /** Ends the microVM unless one of the steps to come reads its stage. */
  async keepFor(operations: readonly StepOperation[]): Promise<void> {
    const id = this.#open?.id;
    const isNeeded = operations.some((operation) => stagesOf(operation).some((stage) => idOf(stage) === id));
    if (!isNeeded) await this.close();
  }

  /** Ends the microVM; what was written in it is thrown away. */
  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.reader.discard();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal.removeEventListener("abort", this.#onAbort);
    await this.close();
  }

  async #readerOf(stage: StageFiles): Promise<Builder> {
    const id = idOf(stage);
    if (this.#open?.id === id) return this.#open.reader;
    await this.close();
    const reader = await this.#start(stage);
    this.#open = { id, reader };
    this.#signal.throwIfAborted();
    await removeRuntimeFiles(reader.vm.files);
    if (isScratch(stage.imageDigest)) await removeEmptyRuntimeDirectories(reader.vm.files);
    return reader;
  }

  async #start(stage: StageFiles): Promise<Builder> {
    const image = await this.#host.imageReference(stage.imageDigest);
    const { layer, diskSizeMib } = stage;
    const disk = await this.#host.store.createWritable({ parent: layer, diskSizeMib });
    return await Builder.start(
      {
        microsandbox: this.#host.microsandbox,
        image,
        disk,
        resources: readerResources,
        needs: leastNeeds,
        scratch: null,
        volumes: new Map(),
        keepAs: null,
        onStartAgain: () => undefined,
      },
      this.#signal,
    );
  }
}

function idOf({ imageDigest, layer, diskSizeMib }: StageFiles): string {
  return `${imageDigest} ${layer ?? "base"} ${diskSizeMib}`;
}

/** The stages that a step reads. */
function stagesOf(operation: StepOperation): readonly StageFiles[] {
  switch (operation.kind) {
    case "copy":
      return operation.source.kind === "stage" ? [operation.source] : [];
    case "run":
      return operation.mounts.flatMap(stageOfMount);
    case "make-directories":
      return [];
    default:
      return unreachable(operation);
  }
}

function stageOfMount(mount: RunMount): readonly StageFiles[] {
  const content = mount.kind === "bind" ? mount.content : mount.kind === "cache" ? mount.seed : null;
  return content?.kind === "stage" ? [content] : [];
}
