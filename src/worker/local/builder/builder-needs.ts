import type { NetworkAccess, RunOperation, StepOperation } from "../../../model/step-operation.ts";

/** What a builder has from its start on. */
export interface BuilderNeeds {
  readonly network: NetworkAccess;
  /** Names of volumes that are there to be mounted. */
  readonly volumes: readonly string[];
  /** Whether it has a second disk, for what steps mount and no layer is to hold. */
  readonly hasScratch: boolean;
}

export const leastNeeds: BuilderNeeds = { network: "none", volumes: [], hasScratch: false };

/** Whether a step can run in a builder that was started with `needs`. */
export function suits(needs: BuilderNeeds, operation: StepOperation): boolean {
  const wanted = needsOf(operation);
  return (
    fitsNetwork(needs.network, wanted.network) &&
    wanted.volumes.every((name) => needs.volumes.includes(name)) &&
    (needs.hasScratch || !wanted.hasScratch)
  );
}

/**
 * What a builder for the first of these steps should have, so that as many as possible of those after it can run in it,
 * too. The network is one for all of a builder, apart from none, which a step can have in any.
 */
export function needsOfAll(operations: readonly StepOperation[]): BuilderNeeds {
  let { network, volumes, hasScratch } = leastNeeds;
  for (const operation of operations) {
    const wanted = needsOf(operation);
    if (network === "none") network = wanted.network;
    if (!fitsNetwork(network, wanted.network)) break;
    volumes = [...new Set([...volumes, ...wanted.volumes])];
    hasScratch ||= wanted.hasScratch;
  }
  return { network, volumes, hasScratch };
}

function needsOf(operation: StepOperation): BuilderNeeds {
  if (operation.kind !== "run") return leastNeeds;
  const { network, mounts } = operation;
  return {
    network,
    volumes: mounts.flatMap((mount) => (mount.kind === "volume" ? [mount.name] : [])),
    hasScratch: needsScratch(operation),
  };
}

function needsScratch({ mounts }: RunOperation): boolean {
  return mounts.some(({ kind }) => kind === "bind" || kind === "cache");
}

function fitsNetwork(offered: NetworkAccess, wanted: NetworkAccess): boolean {
  if (wanted === "none") return true;
  if (typeof wanted === "string" || typeof offered === "string") return offered === wanted;
  return offered.allow.join() === wanted.allow.join();
}
