import type { HeldVolumes, LayerStore, WritableDisk } from "../../../layers/layer-store.ts";
import type { StepOperation } from "../../../model/step-operation.ts";
import type { Microsandbox } from "../microvm/microsandbox.ts";
import type { CacheStore } from "../run/cache-store.ts";
import type { SealCost } from "./seal-cost.ts";

/** What a lineage finds on its worker. */
export interface LineageHost {
  readonly microsandbox: Microsandbox;
  readonly store: LayerStore;
  readonly sealCost: SealCost;
  /** How quickly a layer is cut out of a builder that stays up; 0: it starts anew after every seal. */
  readonly copiedBytesPerMs: number;
  /** The reference under which microsandbox has an image. @throws Failure `ImageMissing` */
  imageReference(digest: string): Promise<string>;
  readonly caches: CacheStore;
  /** Makes the volumes that are not there, and keeps them all. @throws Failure `SandboxNameRefused` */
  holdVolumes(names: readonly string[]): Promise<HeldVolumes>;
  /** A name and folder under which a failed builder can be kept. @throws Failure `SandboxExists` */
  reserveSandbox(name: string): Promise<SandboxReservation>;
}

/** A sandbox's name, taken before there is a sandbox. */
export interface SandboxReservation {
  readonly name: string;
  readonly runtimeName: string;
  /** Makes the running microVM with that disk a sandbox of that name. */
  keep(builder: KeptBuilder): Promise<void>;
  /** Gives the name back, unless it was kept. */
  release(): Promise<void>;
}

export interface KeptBuilder {
  readonly disk: WritableDisk;
  /** Names of those that it was started with. */
  readonly volumes: readonly string[];
  /** What the failed step ran with. */
  readonly operation: StepOperation;
}
