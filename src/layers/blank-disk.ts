import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { access, constants, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import * as v from "valibot";
import { Failure } from "../diagnostics/failure.ts";
import { isMissing } from "../model/present-files.ts";
import { noSpaceLeft, readJsonFile, syncDirectory, writeNewFile } from "./durable-file.ts";
import type { BlankDisk } from "./layer-store.ts";
import type { StoreContext } from "./store-context.ts";

export const blankFileName = "blank.json";

const blankSchema = v.object({ version: v.literal(1), instance: v.string() });

/** The empty disk of a size, or undefined when it has not been made yet or is damaged. */
export async function findBlank(store: StoreContext, sizeMib: number): Promise<BlankDisk | undefined> {
  const folder = store.blankFolder(sizeMib);
  const path = join(folder, "disk.raw");
  const record = await readJsonFile(join(folder, blankFileName), blankSchema);
  if (record === undefined) return undefined;
  if (record.kind === "damaged") {
    store.onDamage(record.problem);
    return undefined;
  }
  try {
    const file = await stat(path);
    if (file.size === sizeMib * 1024 ** 2) return { path, sizeMib, instance: record.value.instance };
    store.onDamage(`${path} has ${file.size} bytes instead of ${sizeMib} MiB`);
  } catch (error) {
    if (!isMissing(error)) throw error;
    store.onDamage(`${path} is missing`);
  }
  return undefined;
}

/** Finds or makes the empty disk. @throws Failure `FilesystemToolMissing`, `FilesystemToolFailed` */
export async function provideBlank(store: StoreContext, sizeMib: number): Promise<BlankDisk> {
  if (!Number.isSafeInteger(sizeMib) || sizeMib < 1) {
    throw new Error(`internal error: not a disk size: ${sizeMib} MiB`);
  }
  const present = await findBlank(store, sizeMib);
  if (present !== undefined) return present;
  const release = await store.locks.acquire(`blank-${sizeMib}`);
  try {
    return (await findBlank(store, sizeMib)) ?? (await makeBlank(store, sizeMib));
  } finally {
    await release();
  }
}

async function makeBlank(store: StoreContext, sizeMib: number): Promise<BlankDisk> {
  const staging = await store.temporaryPath();
  await mkdir(staging);
  try {
    const path = join(staging, "disk.raw");
    const file = await open(path, "wx");
    try {
      await file.truncate(sizeMib * 1024 ** 2);
      await makeFilesystem(store, path);
      await file.sync();
    } finally {
      await file.close();
    }
    // A blank made anew has other bytes (another mke2fs), so what was built on the old one must not use it.
    await writeNewFile(join(staging, blankFileName), JSON.stringify({ version: 1, instance: randomUUID() }));
    await syncDirectory(staging);
    const folder = store.blankFolder(sizeMib);
    const damaged = await store.moveAside(folder);
    await rename(staging, folder);
    await syncDirectory(store.root);
    if (damaged !== undefined) await rm(damaged, { recursive: true, force: true });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  const made = await findBlank(store, sizeMib);
  if (made === undefined) throw new Error(`internal error: no blank disk of ${sizeMib} MiB after making it`);
  return made;
}

/** The same times in every superblock, and messages that can be recognized. */
const toolEnvironment = { E2FSPROGS_FAKE_TIME: "1000000000", LC_ALL: "C" };

/** One identity for all empty disks: nothing about them should differ from host to host. */
const filesystemUuid = "5f3c1d0e-8a4b-4c1e-9a57-6c69676874ed";

/**
 * Inode tables count as written (`lazy_itable_init=0`) where mke2fs can clear them with holes: else the
 * guest's kernel clears them in the background, into the first layer, 16 MiB per GiB of disk.
 */
async function makeFilesystem(store: StoreContext, path: string): Promise<void> {
  const tool = await findTool("mke2fs");
  const lazyInodeTables = process.platform === "linux" ? 0 : 1;
  const extended = `lazy_itable_init=${lazyInodeTables},lazy_journal_init=1,hash_seed=${filesystemUuid}`;
  const argv = ["-F", "-q", "-t", "ext4", "-U", filesystemUuid, "-E", extended, path];
  try {
    await promisify(execFile)(tool, argv, { env: { ...process.env, ...toolEnvironment } });
  } catch (error) {
    const output = lastLines(error);
    if (output.includes("No space left on device")) throw noSpaceLeft(store.root, error);
    throw new Failure({
      code: "FilesystemToolFailed",
      category: "environment",
      message: `${tool} could not make an empty filesystem: ${output}`,
      hint: "check the free space of the layer store, and that e2fsprogs is 1.43 or newer",
      cause: error,
    });
  }
}

function lastLines(error: unknown): string {
  const output = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
  return output === "" ? String(error) : output.slice(-500);
}

const additionalFolders = ["/sbin", "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/opt/e2fsprogs/sbin"];

async function findTool(name: string): Promise<string> {
  const folders = [...(process.env.PATH ?? "").split(":").filter(Boolean), ...additionalFolders];
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      await access(path, constants.X_OK);
      return path;
    } catch (error) {
      if (!isMissing(error) && !isForbidden(error)) throw error;
    }
  }
  throw new Failure({
    code: "FilesystemToolMissing",
    category: "environment",
    message: `${name} was not found in ${folders.join(", ")}`,
    hint: "install e2fsprogs: `apt-get install e2fsprogs`, or `brew install e2fsprogs`",
  });
}

function isForbidden(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EACCES";
}
