import { readFiles, type TreeGuest } from "../guest/guest-trees.ts";
import type { GuestFiles } from "../microvm/guest-files.ts";

/** Larger ones are read part by part, so that what is held is bounded. */
const largestJoinedBytes = 256 * 1024;
/** Of the files that are read together: two such batches are held at most. */
const batchBytes = 4 * 1024 * 1024;
/** What a file takes besides its content, about. */
const fileBytes = 512;

/** A file of a stage. */
export interface FileToRead {
  /** Absolute path in the stage. */
  readonly from: string;
  readonly sizeBytes: number;
}

interface Batch {
  readonly files: FileToRead[];
  sizeBytes: number;
  /** Null: not read yet, or done with. */
  content: Promise<readonly Buffer[]> | null;
}

type Place = readonly [batch: Batch, position: number];

/** The content of a stage's files, which are opened in their order: of small files many are read at once. */
export class StageContents {
  readonly #guest: TreeGuest & { readonly files: Pick<GuestFiles, "read"> };
  readonly #places = new Map<FileToRead, Place>();

  constructor(guest: TreeGuest & { readonly files: Pick<GuestFiles, "read"> }, files: readonly FileToRead[]) {
    this.#guest = guest;
    let batch: Batch = { files: [], sizeBytes: 0, content: null };
    for (const file of files) {
      if (file.sizeBytes > largestJoinedBytes) continue;
      const sizeBytes = file.sizeBytes + fileBytes;
      if (batch.sizeBytes + sizeBytes > batchBytes) batch = { files: [], sizeBytes: 0, content: null };
      this.#places.set(file, [batch, batch.files.length]);
      batch.files.push(file);
      batch.sizeBytes += sizeBytes;
    }
  }

  /** @throws GuestFileError when the guest's kernel refuses */
  async open(file: FileToRead): Promise<AsyncIterable<Uint8Array> | Iterable<Uint8Array>> {
    const place = this.#places.get(file);
    if (place === undefined) return this.#guest.files.read(file.from);
    const [batch, position] = place;
    batch.content ??= readFiles(
      this.#guest,
      batch.files.map(({ from }) => from),
    );
    const content = (await batch.content)[position];
    if (content === undefined) throw new Error(`internal error: ${file.from} was not read`);
    // The last one of it: nothing of it is held any more.
    if (position === batch.files.length - 1) batch.content = null;
    return [content];
  }
}
