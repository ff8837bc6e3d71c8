import { describe } from "vitest";
import type { ContractRig } from "./contract-rig.ts";
import { imageAndLayerContract } from "./image-and-layer-contract.ts";
import { lineageContract } from "./lineage-contract.ts";
import { sandboxContract } from "./sandbox-contract.ts";
import { snapshotContract } from "./snapshot-contract.ts";
import { volumeContract } from "./volume-contract.ts";

/** What every worker does, whatever it is made of. `setUp` gives a worker with an empty store. */
export function workerContract(name: string, setUp: () => Promise<ContractRig>): void {
  describe(`${name} keeps the worker's contract`, () => {
    imageAndLayerContract(setUp);
    lineageContract(setUp);
    snapshotContract(setUp);
    volumeContract(setUp);
    sandboxContract(setUp);
  });
}
