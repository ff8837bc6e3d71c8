import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { systemErrorCode } from "../../diagnostics/failure.ts";

/** Folders of this process; after a restart of the host another server may have had this process's id. */
const inUse = new Set<string>();

/**
 * A new folder below `parent` that carries this process's id. Folders there whose process is gone are removed: two
 * servers may share a store, and a crashed one must not leave its files for ever.
 */
export async function makeSpoolFolder(parent: string): Promise<string> {
  await mkdir(parent, { recursive: true, mode: 0o700 });
  for (const name of await readdir(parent)) {
    const folder = join(parent, name);
    const owner = /^(\d+)-/.exec(name)?.[1];
    if (owner === undefined || inUse.has(folder) || isRunningElsewhere(Number(owner))) continue;
    await rm(folder, { recursive: true, force: true });
  }
  const folder = await mkdtemp(join(parent, `${process.pid}-`));
  inUse.add(folder);
  return folder;
}

export async function removeSpoolFolder(folder: string): Promise<void> {
  inUse.delete(folder);
  await rm(folder, { recursive: true, force: true });
}

function isRunningElsewhere(processId: number): boolean {
  if (processId === process.pid) return false;
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as another user.
    return systemErrorCode(error) === "EPERM";
  }
}
