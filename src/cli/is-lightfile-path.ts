import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { systemErrorCode } from "../diagnostics/failure.ts";
import type { Session } from "./session.ts";

/** Whether a word of the command line names a Lightfile (or a folder with one) rather than a snapshot. */
export async function isLightfilePath(word: string, session: Session): Promise<boolean> {
  const path = resolve(session.workingDirectory, word);
  for (const candidate of [path, join(path, "Lightfile")]) {
    try {
      if ((await stat(candidate)).isFile()) return true;
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
    }
  }
  return false;
}
