import { type Stats, statSync } from "node:fs";
import { join } from "node:path";
import type { Evidence } from "../model/evidence.ts";
import { isMissing } from "../model/present-files.ts";
import { imageNotFound, imageUnreadable, isSystemError } from "./image-failures.ts";

export interface LocalImage {
  readonly isFolder: boolean;
  /** What changes when the content does: size and times (of `index.json` in a layout). */
  readonly witness: string;
  readonly evidence: readonly Evidence[];
}

/**
 * Looks at an archive or layout folder that the user names.
 *
 * @param image how the user writes it
 * @param missingHint for when nothing is there
 * @throws Failure `ImageNotFound`, `ImageUnreadable`
 */
export async function inspectLocalImage(
  path: string,
  image: string,
  missingHint: string,
): Promise<LocalImage> {
  try {
    const found = statSync(path);
    // A named pipe would make the reader wait for ever.
    if (!found.isFile() && !found.isDirectory()) {
      throw imageUnreadable(path, "it is neither a file nor a folder");
    }
    const witness = found.isDirectory() ? inspectIndex(path) : found;
    return {
      isFolder: found.isDirectory(),
      witness: `${witness.size} ${witness.mtimeMs} ${witness.ctimeMs} ${witness.ino}`,
      evidence: found.isDirectory()
        ? [
            { kind: "place", path },
            { kind: "content", path: join(path, "index.json") },
          ]
        : [{ kind: "content", path }],
    };
  } catch (error) {
    if (isMissing(error)) throw imageNotFound(image, missingHint, error);
    throw isSystemError(error) ? imageUnreadable(path, error.message, error) : error;
  }
}

function inspectIndex(folder: string): Stats {
  try {
    return statSync(join(folder, "index.json"));
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw imageUnreadable(folder, "it is a folder, but no OCI image layout: it has no index.json", error);
  }
}
