import { copyFile, mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { systemErrorCode } from "../../src/diagnostics/failure.ts";
import { machinePaths } from "../../src/machine/machine-paths.ts";
import { type HostCapacity, hostCapacity } from "../../src/machine/machine-resources.ts";

/** Of each machine of end-to-end tests: the least that a machine gets by itself on any host. */
export const machineMemoryMib = 3072;

/** The machine that has tests of its own beside those, and the tests themselves. */
const otherMemoryMib = 1536;

/** More have not been tried. */
const mostAtOnce = 2;

/** How many files of end-to-end tests this host carries at once; a machine has one processor, and its memory. */
export function endToEndFilesAtOnce(
  processors = availableParallelism(),
  { memoryMib }: HostCapacity = hostCapacity(),
): number {
  const machines = Math.floor((memoryMib - otherMemoryMib) / machineMemoryMib);
  return Math.max(1, Math.min(processors, machines, mostAtOnce));
}

/**
 * Makes what `lightbox machine init` has found and fetched in one home the installation of another, too.
 * @returns whether there is any: hosts with virtualization need none
 */
export async function shareInstallation(from: string, to: string): Promise<boolean> {
  const [installed, own] = [machinePaths(from), machinePaths(to)];
  await mkdir(own.root, { recursive: true });
  try {
    await copyFile(installed.installation, own.installation);
    return true;
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    return false;
  }
}
