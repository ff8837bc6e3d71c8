import type { Resources } from "../worker/worker.ts";
import type { Lineage } from "./lineages.ts";

/** More CPUs than this seldom make a step faster; RESOURCES asks for more. */
const defaultCpusLimit = 4;
const defaultMemoryMib = 1024;
/** Below this package managers and compilers start to fail. */
const leastMemoryMib = 256;
/** Left to the worker itself. */
const reservedMemoryMib = 512;

/** What builders may have of a worker, all together. */
export function builderCapacity(host: Resources): Resources {
  const reserved = Math.min(reservedMemoryMib, Math.floor(host.memoryMib / 4));
  return { cpus: Math.max(1, host.cpus), memoryMib: Math.max(1, host.memoryMib - reserved) };
}

/**
 * The resources of a lineage's builder: the request's, else RESOURCES', else chosen so that lineages which can run
 * at the same time fit side by side. CPUs and memory are in no key, so the choice may differ from bake to bake.
 */
export function chooseResources(
  lineage: Lineage,
  options: {
    readonly host: Resources;
    readonly override: Partial<Resources>;
    /** How many lineages can run at once; see {@link widestRow}. */
    readonly width: number;
  },
): Resources {
  const { host, override, width } = options;
  const wanted = lineage.stage.stage.resources;
  const share = Math.max(1, Math.floor(host.cpus / Math.max(1, width)));
  return {
    cpus: override.cpus ?? wanted.cpus ?? Math.min(defaultCpusLimit, share),
    memoryMib: override.memoryMib ?? wanted.memoryMib ?? defaultMemory(builderCapacity(host).memoryMib),
  };
}

function defaultMemory(capacityMib: number): number {
  const half = Math.floor(capacityMib / 2);
  return Math.min(defaultMemoryMib, Math.max(leastMemoryMib, half));
}

/** The most lineages that have the same distance to the start: how many can be expected to run at once. */
export function widestRow(lineages: readonly Lineage[]): number {
  const depths = new Map<number, number>();
  const rows = new Map<number, number>();
  for (const lineage of lineages) {
    const depth = Math.max(0, ...lineage.after.map((index) => (depths.get(index) ?? 0) + 1));
    depths.set(lineage.stage.stage.index, depth);
    rows.set(depth, (rows.get(depth) ?? 0) + 1);
  }
  return Math.max(1, ...rows.values());
}
