import { realpathSync } from "node:fs";
import type { Diagnosed } from "../diagnostics/diagnostic.ts";
import { systemErrorCode } from "../diagnostics/failure.ts";
import { Program } from "../graph/link/program.ts";
import { errorRanges } from "../graph/parse-mistakes.ts";
import { parseLightfile } from "../lightfile/parse.ts";
import { lockPathOf, readLock } from "../sources/lock-file.ts";
import { type Pins, pinsOf } from "../sources/pins.ts";
import type { BakeRequest } from "./bake-request.ts";

/** The Lightfile that is baked, as the first of its program. */
export async function entryProgram({
  lightfile,
  lightfilePath,
  contextDirectory,
  buildArguments,
}: Pick<BakeRequest, "lightfile" | "lightfilePath" | "contextDirectory" | "buildArguments">): Promise<
  Diagnosed<Program>
> {
  const { value: tree, diagnostics } = parseLightfile(lightfile);
  const context = { directory: contextDirectory, lightfilePath };
  const identity = withoutLinks(lightfilePath);
  const entry = { identity, tree, context, parseErrors: errorRanges(diagnostics) };
  return { value: new Program(entry, buildArguments), diagnostics };
}

/** Another file may name this one by another way: a loop has to be seen all the same. */
function withoutLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    // From stdin, or gone: nobody can name it.
    if (systemErrorCode(error) === undefined) throw error;
    return path;
  }
}

/** @throws Failure `LockUnreadable`, `LockCorrupt`, `LockTooNew` */
export async function readPins({
  lightfilePath,
  locked = false,
}: Pick<BakeRequest, "lightfilePath" | "locked">): Promise<Pins> {
  return pinsOf(await readLock(lockPathOf(lightfilePath)), locked ? "refuse" : "ask");
}
