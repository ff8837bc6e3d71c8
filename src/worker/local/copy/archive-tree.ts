import { posix } from "node:path";
import { Readable } from "node:stream";
import { extract, type Header } from "tar-stream";
import { compressionOf, decompress, magicBytes } from "../../../archives/compression.ts";
import { isTarHeader, tarBlockBytes } from "../../../archives/tar-header.ts";
import { tarNumbers } from "../../../archives/tar-numbers.ts";
import type { CopyMode } from "../../../model/step-operation.ts";
import { StepRefused } from "../guest/step-refused.ts";
import { type TreeEntry, treeEnd, treeHeader } from "../guest/tree-stream.ts";
import type { Owner } from "../guest/users.ts";
import { appliedMode } from "./file-mode.ts";

/** Tars from before the format had a name, too: they have checksums as all have. The option is not in the package's types. */
const anyTar: NonNullable<Parameters<typeof extract>[0]> & { readonly allowUnknownFormat: true } = {
  allowUnknownFormat: true,
};

export interface ArchiveOptions {
  /** For messages. */
  readonly written: string;
  /** Of everything in it; null: as the archive says. */
  readonly owner: Owner | null;
  readonly mode: CopyMode | null;
}

/**
 * A tar archive (plain, or compressed with gzip, bzip2, xz or zstd) as the stream of a tree, made as it is read.
 * @throws StepRefused through the stream: `ArchiveDamaged`, `ArchivePathRefused`, `CopyUnsupportedFile`
 */
export async function* archiveTree(
  content: AsyncIterable<Uint8Array>,
  options: ArchiveOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const entries = extract(anyTar);
  const source = await plainTar(content);
  source.on("error", (error) => entries.destroy(error));
  source.pipe(entries);
  const paths = new ArchivePaths(options.written);
  const times: TreeEntry[] = [];
  try {
    for await (const entry of entries) {
      const { header } = entry;
      const made = treeEntry(header, paths, options);
      if (made === null) {
        entry.resume();
        continue;
      }
      yield headerOf(made, options.written);
      if (made.kind === "file") yield* contentOf(entry);
      else entry.resume();
      if (made.kind === "directory" && made.modifiedMs !== null) times.push(made);
    }
  } catch (error) {
    if (!(error instanceof Error) || isTrouble(error)) throw error;
    throw archiveDamaged(options.written, error.message, error);
  } finally {
    source.destroy();
  }
  // Last, and the innermost first, because what is written into a directory changes its time.
  for (const made of times.reverse()) yield headerOf({ ...made, kind: "directory-end" }, options.written);
  yield treeEnd;
}

async function* contentOf(entry: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const chunk of entry) if (chunk instanceof Uint8Array) yield chunk;
}

/** Trouble of the content's source has its own explanation; what the readers of formats throw has none. */
function isTrouble(error: Error): boolean {
  return error instanceof StepRefused || error.name === "Failure" || error.name === "AbortError";
}

async function plainTar(content: AsyncIterable<Uint8Array>): Promise<Readable> {
  const chunks = content[Symbol.asyncIterator]();
  const head = await headOf(chunks);
  const stream = Readable.from(joined(head, chunks), { objectMode: false });
  // An old tar may begin with what looks like a compression's first bytes: the checksum is the better sign.
  if (isTarHeader(head)) return stream;
  const compression = compressionOf(head.subarray(0, magicBytes));
  return compression === null ? stream : decompress(stream, compression);
}

/** The first chunks, as many as show what it is. */
async function headOf(chunks: AsyncIterator<Uint8Array>): Promise<Buffer> {
  let head = Buffer.alloc(0);
  while (head.length < tarBlockBytes) {
    const next = await chunks.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  return head;
}

async function* joined(head: Buffer, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (head.length > 0) yield head;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

/** Null for what is no file of its own. */
function treeEntry(header: Header, paths: ArchivePaths, options: ArchiveOptions): TreeEntry | null {
  const { written, owner, mode } = options;
  const kind = kindOf(header, written);
  const path = paths.place(header.name, kind);
  if (path === "" && kind !== "directory") return null;
  const numbers = tarNumbers(header);
  return {
    kind,
    path,
    link: linkOf(header, kind, paths),
    mode: appliedMode(mode, numbers.mode ?? (kind === "directory" ? 0o755 : 0o644), kind === "directory"),
    owner: owner ?? { userId: numbers.userId, groupId: numbers.groupId },
    sizeBytes: kind === "file" ? (header.size ?? 0) : 0,
    modifiedMs: numbers.modifiedMs,
  };
}

function kindOf({ type, name, pax }: Header, written: string): Exclude<TreeEntry["kind"], "directory-end"> {
  // What stands there is a map and the parts that are no holes, not the content.
  if (Object.keys(pax ?? {}).some((key) => key.startsWith("GNU.sparse."))) throw unsupported(name, written);
  switch (type) {
    case "file":
    case "contiguous-file":
      return name.endsWith("/") ? "directory" : "file";
    case "directory":
      return "directory";
    case "symlink":
      return "symlink";
    case "link":
      return "hard-link";
    case "fifo":
      return "pipe";
    default:
      throw unsupported(name, written);
  }
}

function unsupported(name: string, written: string): StepRefused {
  return new StepRefused(
    "CopyUnsupportedFile",
    `${written} holds ${name}, which is a device, a sparse file or of another kind that cannot be unpacked`,
    "leave it out of the archive, make the archive without holes (tar without --sparse), or make the file with RUN",
  );
}

function linkOf(header: Header, kind: TreeEntry["kind"], paths: ArchivePaths): string {
  if (kind === "symlink") return header.linkname ?? "";
  return kind === "hard-link" ? paths.existing(header.linkname ?? "") : "";
}

function headerOf(entry: TreeEntry, written: string): Buffer {
  const header = treeHeader(entry);
  if (header !== undefined) return header;
  throw pathRefused(written, `${entry.path.slice(0, 60)}…`, "its path is too long");
}

/**
 * Keeps an archive's paths where it is unpacked: none leads out by `..`, and none goes through a link that the archive
 * itself brought. Links that were there before are followed: a `/lib` that leads to `/usr/lib` stays one.
 */
class ArchivePaths {
  readonly #written: string;
  readonly #links = new Set<string>();

  constructor(written: string) {
    this.#written = written;
  }

  place(name: string, kind: TreeEntry["kind"]): string {
    const path = this.#clean(name);
    this.#requireNoLinkAbove(path, name);
    if (kind === "symlink") this.#links.add(path);
    else if (kind === "directory" && this.#links.has(path)) {
      throw pathRefused(this.#written, name, "it is a link in the archive, too");
    } else this.#links.delete(path);
    return path;
  }

  existing(name: string): string {
    const path = this.#clean(name);
    this.#requireNoLinkAbove(path, name);
    return path;
  }

  #clean(name: string): string {
    const parts = name.split("/").filter((part) => part !== "" && part !== ".");
    if (parts.includes("..")) throw pathRefused(this.#written, name, "it leads out of the archive");
    return parts.join("/");
  }

  #requireNoLinkAbove(path: string, name: string): void {
    for (let above = posix.dirname(path); above !== "."; above = posix.dirname(above)) {
      if (this.#links.has(above)) {
        throw pathRefused(this.#written, name, `${above} is a link in the archive`);
      }
    }
  }
}

function pathRefused(written: string, name: string, why: string): StepRefused {
  return new StepRefused(
    "ArchivePathRefused",
    `${written} is not unpacked because of ${JSON.stringify(name)} in it: ${why}`,
    "make the archive anew without it, or copy it with COPY and unpack it in a RUN",
  );
}

function archiveDamaged(written: string, reason: string, cause: Error): StepRefused {
  return new StepRefused(
    "ArchiveDamaged",
    `${written} cannot be unpacked: ${reason}`,
    "make the archive or download it again",
    { cause },
  );
}
