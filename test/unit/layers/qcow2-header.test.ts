import { mkdir, open, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { encodeHeader, parseHeader, readHeader } from "../../../src/layers/qcow2/header.ts";
import { openRegularFile } from "../../../src/layers/qcow2/image.ts";
import { qemuImg } from "../../support/qemu-image-tools.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const fileLengthBytes = 4 * 65536;

function headerWith(change: (header: Buffer) => void, backing = "../base/disk.raw"): Buffer {
  const first = Buffer.alloc(65536);
  encodeHeader({
    sizeBytes: 1024 ** 3,
    backing: { path: backing, format: "raw" },
    l1Offset: 2 * 65536,
    l1Entries: 2,
    refcountTableOffset: 65536,
    refcountTableClusters: 1,
  }).copy(first);
  change(first);
  return first;
}

const parse = (first: Buffer) => parseHeader(first, fileLengthBytes, "disk.qcow2");

describe("a header", () => {
  test("of ours is read as it was written", () => {
    expect(parse(headerWith(() => undefined))).toEqual({
      sizeBytes: 1024 ** 3,
      backing: { path: "../base/disk.raw", format: "raw" },
      l1Offset: 2 * 65536,
      l1Entries: 2,
      refcountTableOffset: 65536,
      refcountTableClusters: 1,
      isDirty: false,
      fileLengthBytes,
    });
  });

  test("with the dirty flag is taken, and says so", () => {
    expect(parse(headerWith((header) => header.writeUInt32BE(1, 76))).isDirty).toBe(true);
  });

  test("made by qemu-img for an overlay is taken", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "disk.qcow2");
    await qemuImg("create", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b", "below.qcow2", path, "10G");
    const file = await open(path);
    expect(await readHeader(file)).toMatchObject({
      sizeBytes: 10 * 1024 ** 3,
      backing: { path: "below.qcow2", format: "qcow2" },
    });
    await file.close();
  });

  const refused: readonly [what: string, change: (header: Buffer) => void, reason: RegExp][] = [
    ["another magic", (h) => h.writeUInt32BE(1, 0), /not a qcow2 file/],
    ["version 2", (h) => h.writeUInt32BE(2, 4), /version is 2/],
    ["clusters of 2 MiB", (h) => h.writeUInt32BE(21, 20), /cluster size/],
    ["encryption", (h) => h.writeUInt32BE(2, 32), /encryption/],
    ["internal snapshots", (h) => h.writeUInt32BE(1, 60), /snapshots/],
    ["the corrupt flag", (h) => h.writeUInt32BE(2, 76), /incompatible features/],
    ["an external data file", (h) => h.writeUInt32BE(4, 76), /incompatible features/],
    ["a compression type", (h) => h.writeUInt32BE(8, 76), /incompatible features/],
    ["extended L2 entries", (h) => h.writeUInt32BE(16, 76), /incompatible features/],
    ["an unknown incompatible feature", (h) => h.writeUInt32BE(0x80000000, 72), /incompatible features/],
    ["bitmaps", (h) => h.writeUInt32BE(1, 92), /autoclear/],
    ["1-bit reference counts", (h) => h.writeUInt32BE(0, 96), /refcount order/],
    ["a header longer than a cluster", (h) => h.writeUInt32BE(0xfffffff8, 100), /header claims/],
    ["zstd clusters", (h) => h.writeUInt8(1, 104), /compressed/],
    ["a disk of no bytes", (h) => h.fill(0, 24, 32), /disk has 0 bytes/],
    ["a disk of 16 EiB", (h) => h.fill(0xff, 24, 32), /disk has/],
    ["a disk that ends inside a cluster", (h) => h.writeUInt32BE(512, 28), /disk has/],
    ["an L1 table that is too short", (h) => h.writeUInt32BE(1, 36), /L1 table has 1/],
    ["an L1 table of 32 GiB", (h) => h.writeUInt32BE(0xffffffff, 36), /L1 table has/],
    ["an L1 table behind the end", (h) => h.writeUInt32BE(fileLengthBytes, 44), /L1 table is not inside/],
    ["an unaligned L1 table", (h) => h.writeUInt32BE(65537, 44), /L1 table is not inside/],
    ["a huge refcount table", (h) => h.writeUInt32BE(0xffffffff, 56), /refcount table is not inside/],
    ["a backing name that is too long", (h) => h.writeUInt32BE(1024, 16), /not inside the header/],
    ["a backing name behind the header", (h) => h.writeUInt32BE(0xffffff, 12), /not inside the header/],
    ["an encryption extension", (h) => h.writeUInt32BE(0x0537be77, 112), /unknown header extension/],
    ["an external data file's name", (h) => h.writeUInt32BE(0x44415441, 112), /unknown header extension/],
    ["a bitmaps extension", (h) => h.writeUInt32BE(0x23852875, 112), /unknown header extension/],
    ["an extension of 4 GiB", (h) => h.writeUInt32BE(0xffffffff, 116), /longer than the header/],
    ["another backing format", (h) => h.write("vmd", 120), /backing format is vmd/],
  ];
  test.each(refused)("with %s is refused", (_, change, reason) => {
    expect(() => parse(headerWith(change))).toThrow(reason);
    expect(() => parse(headerWith(change))).toThrow(expect.objectContaining({ code: "LayerImageRefused" }));
  });

  test("without the end of its extensions is refused", () => {
    const first = headerWith(() => undefined).fill(0, 112);
    for (let at = 112; at < first.length; at += 8) first.writeUInt32BE(0x6803f857, at);
    expect(() => parse(first)).toThrow(/do not end/);
  });

  test.each([
    "/etc/shadow",
    'json:{"file":"/etc/shadow"}',
    "nbd://host/disk",
    "host_device:/dev/sda",
    "file:disk.raw",
    "a\0b",
    "a\nb",
    "..\\disk.raw",
  ])("with the backing name %j is refused", (name) => {
    expect(() => parse(headerWith(() => undefined, name))).toThrow(/backing file name/);
  });
});

describe("a file", () => {
  test("that is a symbolic link, a folder or empty is refused", async () => {
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, "folder"));
    await symlink("/etc/hosts", join(folder.path, "link"));
    await writeFile(join(folder.path, "empty"), "");
    await expect(openRegularFile(join(folder.path, "link"), "r")).rejects.toThrow(/symbolic link/);
    for (const [name, reason] of [
      ["folder", /not a regular file/],
      ["empty", /too short/],
    ] as const) {
      const file = await openRegularFile(join(folder.path, name), "r");
      await expect(readHeader(file)).rejects.toThrow(reason);
      await file.close();
    }
  });
});
