import type { CopyFile } from "./copy-tree.ts";

/** Hides the time that a source takes to answer; more does not help, because a guest's agent does one thing at a time. */
const filesAhead = 16;

/** Larger ones are read when it is their turn, so that what is held is bounded. */
const largestAheadBytes = 256 * 1024;

interface ReadFile {
  readonly file: CopyFile;
  /** Whole, or null: to be read now. */
  readonly content: readonly Uint8Array[] | null;
}

/** The files in their order; small ones are read while those before them are being used. */
export async function* readAhead(files: readonly CopyFile[]): AsyncGenerator<ReadFile, void, undefined> {
  const reading: Promise<ReadFile>[] = [];
  let next = 0;
  for (;;) {
    for (; reading.length < filesAhead && next < files.length; next++) {
      const file = files[next];
      if (file === undefined) break;
      const read = readSmall(file);
      // Awaited in its turn; until then a rejection is not unhandled.
      read.catch(() => undefined);
      reading.push(read);
    }
    const first = reading.shift();
    if (first === undefined) return;
    yield await first;
  }
}

async function readSmall(file: CopyFile): Promise<ReadFile> {
  if (file.sizeBytes > largestAheadBytes) return { file, content: null };
  const content: Uint8Array[] = [];
  let readBytes = 0;
  for await (const chunk of await file.open()) {
    // Of a file that has grown it is enough to show that it has.
    if (readBytes <= file.sizeBytes) content.push(chunk);
    readBytes += chunk.length;
  }
  return { file, content };
}
