import { open } from "node:fs/promises";

const headBytes = 512;
const tarMagicOffset = 257;

/** What kind of archive a file begins like, e.g. `gzip`; null for any other file. Told by content, not by name. */
export async function archiveKind(hostPath: string): Promise<string | null> {
  const handle = await open(hostPath);
  try {
    const head = Buffer.alloc(headBytes);
    await handle.read(head, 0, headBytes, 0);
    if (head.readUInt16BE(0) === 0x1f8b) return "gzip";
    if (head.toString("latin1", 0, 3) === "BZh") return "bzip2";
    if (head.toString("hex", 0, 6) === "fd377a585a00") return "xz";
    if (head.toString("latin1", tarMagicOffset, tarMagicOffset + 5) === "ustar") return "tar";
    return null;
  } finally {
    await handle.close();
  }
}
