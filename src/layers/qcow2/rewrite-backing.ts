import { type BackingFile, imageRefused } from "./format.ts";
import { encodeHeader, readHeader } from "./header.ts";
import { openRegularFile } from "./image.ts";
import { writeFully } from "./overlay-writer.ts";

/** Header, backing format and the longest backing name fit; every table starts behind it. */
const headerAreaBytes = 4096;

/**
 * Names another backing file in the header; the data stays as it is. The header is written anew, so nothing
 * that it said before (features, extensions) is kept. Mend a dirty image first. Does not flush.
 * @throws Failure `LayerImageRefused`
 */
export async function rewriteBacking(path: string, backing: BackingFile | null): Promise<void> {
  const file = await openRegularFile(path, "r+");
  try {
    const header = await readHeader(file, path);
    if (header.isDirty) throw imageRefused(path, "it was not closed");
    const first = Buffer.alloc(headerAreaBytes);
    encodeHeader({ ...header, backing }).copy(first);
    await writeFully(file, first, 0);
  } finally {
    await file.close();
  }
}
