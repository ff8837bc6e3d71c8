/** One file of an initial RAM file system. Paths are relative, without a leading slash. */
export type CpioEntry =
  | { readonly kind: "directory"; readonly path: string; readonly mode: number }
  | { readonly kind: "file"; readonly path: string; readonly mode: number; readonly content: Uint8Array }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string };

const fileTypes = { directory: 0o040000, file: 0o100000, symlink: 0o120000 } as const;
const empty = new Uint8Array(0);

/**
 * Writes a `newc` cpio archive, the format that Linux unpacks as its initial RAM file system
 * (Documentation/driver-api/early-userspace/buffer-format.rst). Owner is root, times are zero, and folders
 * must come before what they hold, so the same entries always give the same bytes.
 */
export function writeCpio(entries: readonly CpioEntry[]): Buffer {
  const parts: Uint8Array[] = [];
  entries.forEach((entry, index) => {
    parts.push(...recordOf(entry, index + 1));
  });
  parts.push(header("TRAILER!!!", { inode: 0, mode: 0, links: 1, sizeBytes: 0 }));
  const archive = Buffer.concat(parts);
  return Buffer.concat([archive, Buffer.alloc(paddingTo(512, archive.length))]);
}

function recordOf(entry: CpioEntry, inode: number): Uint8Array[] {
  const permissions = entry.kind === "symlink" ? 0o777 : entry.mode & 0o7777;
  const content = contentOf(entry);
  return [
    header(entry.path, {
      inode,
      mode: fileTypes[entry.kind] | permissions,
      links: entry.kind === "directory" ? 2 : 1,
      sizeBytes: content.length,
    }),
    content,
    Buffer.alloc(paddingTo(4, content.length)),
  ];
}

function contentOf(entry: CpioEntry): Uint8Array {
  switch (entry.kind) {
    case "directory":
      return empty;
    case "file":
      return entry.content;
    case "symlink":
      return Buffer.from(entry.target);
  }
}

interface HeaderFields {
  readonly inode: number;
  readonly mode: number;
  readonly links: number;
  readonly sizeBytes: number;
}

/** The 110 ASCII bytes of a record and its name, padded so that what follows starts at a multiple of four. */
function header(name: string, fields: HeaderFields): Buffer {
  const nameBytes = Buffer.from(`${name}\0`);
  const numbers = [
    fields.inode,
    fields.mode,
    0, // owner
    0, // group
    fields.links,
    0, // modification time
    fields.sizeBytes,
    0, // device, major and minor
    0,
    0, // special file's device, major and minor
    0,
    nameBytes.length,
    0, // checksum, unused in this format
  ];
  const text = `070701${numbers.map((number) => number.toString(16).padStart(8, "0")).join("")}`;
  const unpadded = text.length + nameBytes.length;
  return Buffer.concat([Buffer.from(text), nameBytes, Buffer.alloc(paddingTo(4, unpadded))]);
}

function paddingTo(multiple: number, length: number): number {
  return (multiple - (length % multiple)) % multiple;
}
