import { execFile } from "node:child_process";
import { lstat, mkdir, readFile, readlink, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { type Pack, pack } from "tar-stream";
import { describe, expect, test } from "vitest";
import { isTarHeader } from "../../../../../src/archives/tar-header.ts";
import { type ArchiveOptions, archiveTree } from "../../../../../src/worker/local/copy/archive-tree.ts";
import { readTreeEntries, type TreeEntry } from "../../../../../src/worker/local/guest/tree-stream.ts";
import { canRunHelper, guestHelper } from "../../../../support/guest-helper.ts";
import { temporaryFolder } from "../../../../support/temporary-folder.ts";

const run = promisify(execFile);
const own = { userId: process.getuid?.() ?? 0, groupId: process.getgid?.() ?? 0 };
const plain: ArchiveOptions = { written: "a.tar", owner: null, mode: null };

type EntryHeader = Parameters<Pack["entry"]>[0];

async function archive(fill: (tar: Pack) => void): Promise<Buffer> {
  const tar = pack();
  fill(tar);
  tar.finalize();
  return buffer(tar);
}

async function* inPieces(bytes: Buffer, size = 100): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** The code that a stream of an archive with these entries ends with; null: none. */
async function refusal(...headers: readonly EntryHeader[]): Promise<string | null> {
  const bytes = await archive((tar) => {
    for (const header of headers) {
      if (header.type === undefined) tar.entry(header, "content");
      else tar.entry(header);
    }
  });
  return outcome(bytes);
}

async function outcome(bytes: Buffer): Promise<string | null> {
  try {
    await buffer(Readable.from(archiveTree(inPieces(bytes), plain)));
    return null;
  } catch (error) {
    if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
    throw error;
  }
}

/** A file with holes as GNU tar writes it. */
async function sparseArchive(...words: readonly string[]): Promise<Buffer> {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "holes");
  await writeFile(path, "begin");
  await truncate(path, 1_000_000);
  const packed = join(folder.path, "sparse.tar");
  await run("tar", ["--sparse", ...words, "-cf", packed, "-C", folder.path, "holes"]);
  return readFile(packed);
}

test.each([
  ["--format=gnu"],
  ["--format=posix", "--sparse-version=1.0"],
  ["--format=posix", "--sparse-version=0.1"],
])("a sparse file is refused, and not unpacked as what the archive holds of it: %s %s", async (...words) => {
  expect(await outcome(await sparseArchive(...words))).toBe("CopyUnsupportedFile");
});

async function entriesOf(bytes: Buffer): Promise<readonly TreeEntry[]> {
  const stream = await buffer(Readable.from(archiveTree(inPieces(bytes), plain)));
  return [...readTreeEntries(stream, "content")].map(({ entry }) => entry);
}

/** Makes of a header one as the seventh Unix wrote it: nothing behind the link's name, files of the kind zero byte. */
function withoutFormat(block: Buffer): void {
  block.fill(0, 257);
  if (block[156] === 0x30 || block[156] === 0x35) block[156] = 0;
  block.fill(" ", 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
}

describe("archives", () => {
  test("paths that lead out of it, or through its own links, are refused", async () => {
    expect(await refusal({ name: "a/../../etc/passwd" })).toBe("ArchivePathRefused");
    expect(await refusal({ name: "../x" })).toBe("ArchivePathRefused");
    const link = { name: "here", type: "symlink", linkname: "/etc" } as const;
    expect(await refusal(link, { name: "here/passwd" })).toBe("ArchivePathRefused");
    expect(await refusal(link, { name: "./here/", type: "directory" })).toBe("ArchivePathRefused");
    expect(await refusal(link, { name: "x", type: "link", linkname: "here/passwd" })).toBe(
      "ArchivePathRefused",
    );
    expect(await refusal({ name: "x", type: "link", linkname: "../../etc/passwd" })).toBe(
      "ArchivePathRefused",
    );
  });

  test("a link may lead anywhere, be replaced, and have a name that begins another's", async () => {
    const link = { name: "here", type: "symlink", linkname: "../../etc" } as const;
    expect(await refusal(link, { name: "here" })).toBeNull();
    expect(await refusal(link, { name: "hereafter/x" })).toBeNull();
    expect(await refusal({ name: "/etc/x" }, { name: "a..b/..c" })).toBeNull();
  });

  test("devices are refused", async () => {
    expect(await refusal({ name: "null", type: "character-device", devmajor: 1, devminor: 3 })).toBe(
      "CopyUnsupportedFile",
    );
  });

  test("an archive that breaks off, or is none, is damaged", async () => {
    const bytes = await archive((tar) => tar.entry({ name: "f" }, "x".repeat(5000)));
    expect(await outcome(bytes.subarray(0, 2000))).toBe("ArchiveDamaged");
    expect(await outcome(gzipSync(bytes).subarray(0, 40))).toBe("ArchiveDamaged");
    expect(await outcome(Buffer.from("no archive".repeat(100)))).toBe("ArchiveDamaged");
  });

  test("owners and times that only a pax record has room for are taken from it", async () => {
    const bytes = await archive((tar) => {
      const pax = { uid: "3000000", gid: "4000000000", mtime: "981173106.5" };
      tar.entry({ name: "f", uid: 7, gid: 7, pax }, "content");
      tar.entry(
        { name: "g", uid: 7, gid: 8, mtime: new Date(5000), pax: { uid: "", comment: "x" } },
        "content",
      );
    });
    const [first, second] = await entriesOf(bytes);
    expect(first).toMatchObject({
      owner: { userId: 3_000_000, groupId: 4_000_000_000 },
      modifiedMs: 981_173_106_500,
    });
    expect(second).toMatchObject({ owner: { userId: 7, groupId: 8 }, modifiedMs: 5000 });
  });

  test.each([
    { uid: "many" },
    { uid: "-1" },
    { gid: "4294967295" },
    { gid: "1e3" },
    { mtime: "yesterday" },
    { mtime: "9".repeat(400) },
  ])("a number that cannot be, %o, is damage", async (pax) => {
    const bytes = await archive((tar) => tar.entry({ name: "f", pax }, "content"));
    await expect(entriesOf(bytes)).rejects.toMatchObject({
      code: "ArchiveDamaged",
      message: expect.stringMatching(/^a\.tar cannot be unpacked: the (user|group|time) of "f" cannot be "/),
    });
  });

  test("one from before the format had a name is read, and what only looks like it is damaged", async () => {
    const old = await archive((tar) => {
      tar.entry({ name: "d/", type: "directory" });
      tar.entry({ name: "d/f", mode: 0o640, uid: 5, gid: 6 }, "content");
      tar.entry({ name: "d/l", type: "symlink", linkname: "f" });
    });
    for (const at of [0, 512, 1536]) withoutFormat(old.subarray(at, at + 512));
    expect(isTarHeader(old)).toBe(true);
    expect((await entriesOf(old)).map(({ kind, path, link }) => [kind, path, link])).toEqual([
      ["directory", "d", ""],
      ["file", "d/f", ""],
      ["symlink", "d/l", "f"],
      ["directory-end", "d", ""],
    ]);
    old[1] = 0x2e;
    expect(isTarHeader(old)).toBe(false);
    expect(await outcome(old)).toBe("ArchiveDamaged");
  });

  describe.runIf(canRunHelper)("in the guest", () => {
    test("are unpacked whatever their compression, with links, modes and times", async () => {
      const mtime = new Date("2001-02-03T04:05:06Z");
      const bytes = await archive((tar) => {
        tar.entry({ name: "bin/", type: "directory", mode: 0o750, mtime, uid: own.userId, gid: own.groupId });
        const file = { mode: 0o4755, mtime, uid: own.userId, gid: own.groupId };
        tar.entry({ name: "bin/tool", ...file }, "tool");
        tar.entry({ name: "bin/same", type: "link", linkname: "bin/tool", ...file });
        tar.entry({ name: "bin/link", type: "symlink", linkname: "tool", ...file });
        tar.entry({ name: "made/on/the/way", ...file }, "way");
      });
      for (const compressed of [bytes, gzipSync(bytes), zstdCompressSync(bytes)]) {
        await using folder = await temporaryFolder();
        const helper = await guestHelper(folder.path);
        const to = join(folder.path, "to");
        await mkdir(to);
        expect(await helper(["unpack", to], archiveTree(inPieces(compressed), plain))).toMatchObject({
          exitCode: 0,
        });
        const tool = await lstat(join(to, "bin/tool"));
        expect([tool.mode & 0o7777, tool.mtime, tool.nlink]).toEqual([0o4755, mtime, 2]);
        expect((await lstat(join(to, "bin"))).mtime).toEqual(mtime);
        expect((await lstat(join(to, "bin"))).mode & 0o7777).toBe(0o750);
        expect(await readlink(join(to, "bin/link"))).toBe("tool");
        expect(await readFile(join(to, "made/on/the/way"), "utf8")).toBe("way");
      }
    });

    test("follow links that were there before, and take a mode that is given", async () => {
      await using folder = await temporaryFolder();
      const helper = await guestHelper(folder.path);
      await mkdir(join(folder.path, "usr/lib"), { recursive: true });
      await symlink("usr/lib", join(folder.path, "lib"));
      await writeFile(join(folder.path, "usr/lib/old"), "old");
      const bytes = await archive((tar) => {
        tar.entry({ name: "lib/", type: "directory", mode: 0o755 });
        tar.entry({ name: "lib/old" }, "new");
      });
      const given: ArchiveOptions = { ...plain, owner: own, mode: { kind: "octal", bits: 0o640 } };
      expect(await helper(["unpack", folder.path], archiveTree(inPieces(bytes), given))).toMatchObject({
        exitCode: 0,
      });
      expect(await readlink(join(folder.path, "lib"))).toBe("usr/lib");
      expect(await readFile(join(folder.path, "usr/lib/old"), "utf8")).toBe("new");
      expect((await lstat(join(folder.path, "usr/lib/old"))).mode & 0o7777).toBe(0o640);
    });
  });
});
