import { open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import { findProgram, lastLines, runChecked, runCommand } from "./external-command.ts";

export interface DataDiskOptions {
  readonly path: string;
  readonly sizeMib: number;
  readonly mke2fsPath: string;
}

/**
 * Makes the data disk when there is none: a sparse file with an empty ext4, which keeps user xattrs and is
 * built into the kernel. Its inode tables stay unwritten, so that it starts at a few MB.
 *
 * @returns whether it was made.
 */
export async function provideDataDisk(options: DataDiskOptions, signal: AbortSignal): Promise<boolean> {
  if ((await sizeOnDisk(options.path)) !== undefined) return false;
  const making = `${options.path}.making`;
  try {
    const file = await open(making, "w", 0o600);
    await file.truncate(options.sizeMib * 2 ** 20);
    await file.close();
    const layout = ["-m", "0", "-i", "65536"]; // no reserve for root; the store's files are few and large
    const extended = "lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0";
    await runChecked([options.mke2fsPath, "-q", "-F", "-t", "ext4", ...layout, "-E", extended, making], {
      signal,
      timeoutMs: 120_000,
    });
    await rename(making, options.path);
  } finally {
    await rm(making, { force: true });
  }
  return true;
}

/**
 * Replays the journal after a crash and mends what can be mended without loss. Only while no machine runs.
 *
 * @throws Failure `MachineDataDamaged`
 */
export async function checkDataDisk(path: string, mke2fsPath: string, signal: AbortSignal): Promise<void> {
  const e2fsck = await findProgram("e2fsck", dirname(mke2fsPath));
  if (e2fsck === undefined) return; // the machine's kernel replays the journal, too
  const { exitCode, stdout, stderr } = await runCommand([e2fsck, "-p", path], { signal, timeoutMs: 600_000 });
  // 1 and 2: mended. From 4 on: something is left that needs a decision.
  if (exitCode < 4) return;
  throw new Failure({
    code: "MachineDataDamaged",
    category: "environment",
    message: `the machine's data disk ${path} is damaged: ${lastLines(stdout || stderr, 3)}`,
    hint: `mend it with \`${join(dirname(e2fsck), "e2fsck")} -y ${path}\`, or start afresh with \`lightbox machine rm\``,
  });
}

/** Bytes that a sparse file takes on the host; undefined when there is no file. */
export async function sizeOnDisk(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).blocks * 512;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
