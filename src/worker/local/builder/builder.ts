import { randomBytes } from "node:crypto";
import { stat } from "node:fs/promises";
import { Failure } from "../../../diagnostics/failure.ts";
import type { LayerRecord } from "../../../layers/layer-record.ts";
import type { WritableDisk } from "../../../layers/layer-store.ts";
import type { Resources } from "../../worker.ts";
import { readGuestState } from "../guest/guest-state.ts";
import { scratchPath, volumePath } from "../guest/mount-places.ts";
import {
  type RuntimeFile,
  readRuntimeFiles,
  removeRuntimeFiles,
  restoreRuntimeFiles,
} from "../guest/runtime-files.ts";
import { MicroVm, type MicroVmOptions } from "../microvm/micro-vm.ts";
import type { Microsandbox } from "../microvm/microsandbox.ts";
import type { BuilderNeeds } from "./builder-needs.ts";

export const builderNamePrefix = "lightbox-build-";

/** The same for every builder, because a step may write its host's name into files. */
const builderHostname = "lightbox-builder";

export interface BuilderOptions {
  readonly microsandbox: Microsandbox;
  readonly image: string;
  readonly disk: WritableDisk;
  readonly resources: Resources;
  readonly needs: BuilderNeeds;
  /** For what steps mount; thrown away with the builder. Null: it has none. */
  readonly scratch: WritableDisk | null;
  /** Folders of this host with the volumes that it needs, by name. */
  readonly volumes: ReadonlyMap<string, string>;
  /** Name to run under when it may be kept; null: one that tells whose it is. */
  readonly keepAs: string | null;
  /** Told when the first start came to nothing and another is tried. */
  readonly onStartAgain: (reason: Failure) => void;
}

interface StateAtBoot {
  readonly guest: string;
  readonly runtimeFiles: readonly RuntimeFile[];
}

/** The microVM that a lineage's steps run in, and the disk that it writes into. */
export class Builder {
  readonly vm: MicroVm;
  readonly disk: WritableDisk;
  /** What it was started with. */
  readonly needs: BuilderNeeds;
  readonly #scratch: WritableDisk | null;
  readonly #atBoot: StateAtBoot;
  #ending: Promise<void> | undefined;

  private constructor(vm: MicroVm, { disk, needs, scratch }: BuilderOptions, atBoot: StateAtBoot) {
    this.vm = vm;
    this.disk = disk;
    this.needs = needs;
    this.#scratch = scratch;
    this.#atBoot = atBoot;
  }

  /** The disks are discarded when the builder cannot start. */
  static async start(options: BuilderOptions, signal: AbortSignal): Promise<Builder> {
    const { disk, resources, needs, scratch, volumes } = options;
    const vmOptions: MicroVmOptions = {
      microsandbox: options.microsandbox,
      name: options.keepAs ?? newBuilderName(),
      image: options.image,
      diskPath: disk.path,
      cpus: resources.cpus,
      memoryMib: resources.memoryMib,
      hostname: builderHostname,
      network: needs.network,
      detached: options.keepAs !== null,
      configure: (builder) => {
        if (scratch !== null) {
          builder.volume(scratchPath, (mount) => mount.disk(scratch.path).format("qcow2").fstype("ext4"));
        }
        for (const [name, folder] of volumes) {
          builder.volume(volumePath(name), (mount) => mount.bind(folder));
        }
      },
      onStartAgain: options.onStartAgain,
    };
    let vm: MicroVm | undefined;
    try {
      vm = await MicroVm.boot(vmOptions, signal);
      const [guest, runtimeFiles] = await Promise.all([readGuestState(vm.files), readRuntimeFiles(vm.files)]);
      return new Builder(vm, options, { guest, runtimeFiles });
    } catch (error) {
      await vm?.kill();
      await disk.discard();
      await scratch?.discard();
      throw error;
    }
  }

  /**
   * Brings the disk into the state that the next boot shall find, and ends the builder: leftover processes
   * ended, the runtime's files gone, everything written back. The disk is then ready to be sealed.
   * @throws Failure `FlushFailed`: then the disk must not become a layer
   */
  async shutDown(): Promise<void> {
    await removeRuntimeFiles(this.vm.files);
    await this.quiesce();
    await this.kill();
  }

  /** @throws Failure `FlushFailed` */
  async quiesce(): Promise<{ readonly somethingLeft: boolean }> {
    const exitCode = await this.vm.runHelper("quiesce");
    if (exitCode === 0 || exitCode === 3) return { somethingLeft: exitCode === 3 };
    throw flushFailed();
  }

  /**
   * Cuts a layer out of the disk while the builder stays up, which is quicker than the next boot. Only when
   * the guest is as a boot leaves it: what a step left in memory (mounts, devices, settings) must not reach the
   * next one, or results would depend on what was cached.
   * @returns undefined when the builder has to be shut down instead
   * @throws Failure `FlushFailed`
   */
  async sealInPlace(seal: () => Promise<LayerRecord>): Promise<LayerRecord | undefined> {
    await removeRuntimeFiles(this.vm.files);
    const { somethingLeft } = await this.quiesce();
    if (somethingLeft || (await readGuestState(this.vm.files)) !== this.#atBoot.guest) return undefined;
    if ((await this.vm.runHelper("freeze")) !== 0) return undefined;
    const layer = await seal();
    if ((await this.vm.runHelper("thaw")) !== 0) throw flushFailed();
    await this.restoreRuntimeFiles();
    return layer;
  }

  /** What a step wrote to files that every boot writes anew is gone for the next step, as for the next builder. */
  async restoreRuntimeFiles(): Promise<void> {
    await restoreRuntimeFiles(this.vm.files, this.#atBoot.runtimeFiles);
  }

  /** Bytes that the builder has written to its disk since it started. */
  async writtenBytes(): Promise<number> {
    const { blocks } = await stat(this.disk.path);
    return blocks * 512;
  }

  /** Writes the disk's caches back while everything runs on. @throws Failure `FlushFailed` */
  async flush(): Promise<void> {
    if ((await this.vm.runHelper("flush")) !== 0) throw flushFailed();
  }

  /** Once, however often it is asked for. */
  kill(): Promise<void> {
    this.#ending ??= this.vm.kill().finally(() => this.discardScratch());
    return this.#ending;
  }

  /** Of a builder that runs on, too: it has the file open. */
  async discardScratch(): Promise<void> {
    await this.#scratch?.discard();
  }

  /** Ends the builder and deletes its disk. */
  async discard(): Promise<void> {
    await this.kill();
    await this.disk.discard();
  }
}

/** Tells whose builder it is, so that one whose owner is gone can be cleared away. */
function newBuilderName(): string {
  return `${builderNamePrefix}${process.pid}-${randomBytes(4).toString("hex")}`;
}

function flushFailed(): Failure {
  return new Failure({
    code: "FlushFailed",
    category: "environment",
    message: "the builder could not write its changes to its disk",
    hint: "see that the disk with lightbox's store has space left (`lightbox prune` frees some), then bake again",
  });
}
