import { randomUUID } from "node:crypto";
import { chmod, lstat, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import { parseJson } from "../model/parse-json.ts";
import { isMissing, namesIn } from "../model/present-files.ts";

/**
 * Replaces a file so that a reader, or whoever comes after a crash, finds the old content or the new, never
 * a part. The temporary file lies beside it under a name that ends in `.tmp`.
 */
export async function replaceFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeNewFile(temporary, content);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Writes a file that must not exist yet, and flushes it. */
export async function writeNewFile(path: string, content: string): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.writeFile(content);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Makes the names in a folder survive a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The parsed and checked content of a JSON file, or undefined where there is no such file. */
export async function readJsonFile<Value>(
  path: string,
  schema: v.GenericSchema<unknown, Value>,
): Promise<JsonFile<Value> | undefined> {
  const text = await readTextIfPresent(path);
  if (text === undefined) return undefined;
  const data = parseJson(text);
  if (data === undefined) return { kind: "damaged", problem: `${path} is not JSON` };
  const result = v.safeParse(schema, data);
  if (result.success) return { kind: "valid", value: result.output };
  const at = result.issues.map((issue) => v.getDotPath(issue) ?? "the whole").join(", ");
  return { kind: "damaged", problem: `${path} has unexpected content at ${at}` };
}

export type JsonFile<Value> =
  | { readonly kind: "valid"; readonly value: Value }
  | { readonly kind: "damaged"; readonly problem: string };

export async function readTextIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/**
 * Bytes on disk of everything below the path. A file with several names counts once, a link for itself (what guests write
 * may lead anywhere); files that vanish meanwhile and what is in folders that may not be read count nothing.
 */
export function allocatedBytes(path: string): Promise<number> {
  return bytesBelow(path, new Set());
}

async function bytesBelow(path: string, counted: Set<string>): Promise<number> {
  try {
    const entry = await lstat(path);
    if (entry.isDirectory()) {
      let total = entry.blocks * 512;
      for (const name of await namesIn(path)) total += await bytesBelow(join(path, name), counted);
      return total;
    }
    if (entry.nlink > 1) {
      const identity = `${entry.dev} ${entry.ino}`;
      if (counted.has(identity)) return 0;
      counted.add(identity);
    }
    return entry.blocks * 512;
  } catch (error) {
    if (isMissing(error) || systemErrorCode(error) === "EACCES") return 0;
    throw error;
  }
}

/** Deletes all of a folder, also where a guest has closed folders in it. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (systemErrorCode(error) !== "EACCES") throw error;
    await openFolders(path);
    await rm(path, { recursive: true, force: true });
  }
}

async function openFolders(path: string): Promise<void> {
  await chmod(path, 0o700);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await openFolders(join(path, entry.name));
  }
}

/**
 * Runs store work and names what the host lacks when it fails for that.
 * @throws Failure `NoSpaceLeft`, `StoreNotWritable`
 */
export async function withStorageFailures<Value>(root: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOSPC" || code === "EDQUOT") {
      throw noSpaceLeft(root, error);
    }
    if (code === "EACCES" || code === "EROFS" || code === "EPERM") {
      throw new Failure({
        code: "StoreNotWritable",
        category: "environment",
        message: `the layer store in ${root} cannot be written to (${code})`,
        hint: "give this user write access to the folder, or choose another store",
        cause: error,
      });
    }
    throw error;
  }
}

export function noSpaceLeft(root: string, cause: unknown): Failure {
  return new Failure({
    code: "NoSpaceLeft",
    category: "environment",
    message: `no space left for the layer store in ${root}`,
    hint: "free some space, or remove layers that nothing needs with `lightbox prune`",
    cause,
  });
}
