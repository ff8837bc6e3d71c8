import { type Pack, pack } from "tar-stream";
import { directoryEntry, type RootEntry } from "./package-file.ts";

/** Any fixed time will do; programs that write zip files want one after 1980. */
const everyTime = new Date("2020-01-01T00:00:00Z");

/**
 * A root filesystem as an uncompressed tar: the same entries in the same order give the same bytes. Parents that nobody
 * names are made; of a path that comes twice, the first counts.
 */
export async function* rootTar(entries: AsyncIterable<RootEntry>): AsyncGenerator<Uint8Array> {
  const archive = pack();
  const writing = writeAll(archive, entries).catch((error: unknown) => {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  for await (const chunk of archive) if (chunk instanceof Uint8Array) yield chunk;
  await writing;
}

async function writeAll(archive: Pack, entries: AsyncIterable<RootEntry>): Promise<void> {
  const written = new Set<string>();
  const write = async (entry: RootEntry): Promise<void> => {
    const slash = entry.path.lastIndexOf("/");
    if (slash !== -1) {
      const parent = entry.path.slice(0, slash);
      if (!written.has(parent)) await write(directoryEntry(parent));
    }
    if (written.has(entry.path)) return;
    written.add(entry.path);
    const { path: name, type, mode, uid, gid, target, content } = entry;
    const header = { name, type, mode, uid, gid, mtime: everyTime };
    await new Promise<void>((resolve, reject) => {
      const done = (error?: Error | null): void => (error ? reject(error) : resolve());
      if (type === "file") archive.entry(header, Buffer.from(content), done);
      else archive.entry({ ...header, ...(type === "directory" ? {} : { linkname: target }) }, done);
    });
  };
  for await (const entry of entries) await write(entry);
  archive.finalize();
}
