import { open, readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import { nearestName } from "../diagnostics/suggest.ts";
import { isMissing } from "../model/present-files.ts";
import { decodeLightfile, lightfileLimitBytes, lightfileTooLarge } from "./lightfile-text.ts";

export type FoundSource =
  | { readonly kind: "text"; readonly path: string; readonly text: string; readonly isInFolder: boolean }
  /** A base image in an archive or a folder. */
  | { readonly kind: "image" };

/**
 * Reads the Lightfile at a path, or in the folder at it. `path` of the result has no links on the way.
 * @param written as the reference has it, for messages
 * @throws Failure `LightfileNotFound`, `LightfileTooLarge`, `LightfileNotText`, `LightfileUnreadable`
 */
export async function readSource(path: string, written: string): Promise<FoundSource> {
  try {
    const status = await stat(path);
    if (!status.isDirectory()) return await readWhole(path, written, false);
    if (await exists(join(path, "oci-layout"))) return { kind: "image" };
    return await readWhole(join(path, "Lightfile"), `${written.replace(/\/$/, "")}/Lightfile`, true);
  } catch (error) {
    const code = error instanceof Failure ? undefined : systemErrorCode(error);
    if (code === undefined) throw error;
    if (isMissing(error)) throw await notFound(path, written);
    throw new Failure({
      code: "LightfileUnreadable",
      category: "usage",
      message: `${written} cannot be read (${code})`,
      hint: "make it readable for this user, or name another file",
      cause: error,
    });
  }
}

async function readWhole(path: string, written: string, isInFolder: boolean): Promise<FoundSource> {
  const real = await realpath(path);
  await using file = await open(real, "r");
  const status = await file.stat();
  if (!status.isFile()) {
    throw new Failure({
      code: "LightfileNotFound",
      category: "usage",
      message: `${written} is not a file`,
      hint: "name a Lightfile, or the folder that holds one",
    });
  }
  const head = Buffer.alloc(512);
  const { bytesRead } = await file.read(head, 0, head.length, 0);
  if (isArchive(head.subarray(0, bytesRead))) return { kind: "image" };
  if (status.size > lightfileLimitBytes) throw lightfileTooLarge(written);
  const bytes = await file.readFile();
  // The read above went by position, so this one begins at the start.
  return { kind: "text", path: real, text: decodeLightfile(bytes, written), isInFolder };
}

/** gzip or tar: what a base image comes in. */
function isArchive(head: Buffer): boolean {
  return (head[0] === 0x1f && head[1] === 0x8b) || head.toString("latin1", 257, 262) === "ustar";
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (!isMissing(error)) throw error;
    return false;
  }
}

async function notFound(path: string, written: string): Promise<Failure> {
  const near = nearestName(basename(path), await namesIn(dirname(path)));
  const folder = dirname(written);
  const hint =
    near !== undefined && near !== basename(path)
      ? `did you mean ${folder === "." ? `./${near}` : `${folder}/${near}`}?`
      : "paths start at the folder of the file that names them";
  return new Failure({
    code: "LightfileNotFound",
    category: "usage",
    message: `there is no Lightfile ${written}`,
    hint,
  });
}

async function namesIn(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    // Only a suggestion is lost.
    return [];
  }
}
