import { appendFile, mkdir, open, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Qcow2Image } from "../../../src/layers/qcow2/image.ts";
import { createOverlay, OverlayWriter } from "../../../src/layers/qcow2/overlay-writer.ts";
import { repairImage } from "../../../src/layers/qcow2/refcounts.ts";
import { collect } from "../../support/collect.ts";
import { expectNoImageErrors, qemuImg, qemuIo } from "../../support/qemu-image-tools.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const mib = 1024 ** 2;

async function changeBytes(path: string, position: number, bytes: readonly number[]): Promise<void> {
  const file = await open(path, "r+");
  await file.write(Buffer.from(bytes), 0, bytes.length, position);
  await file.close();
}

/** An image of 600 MiB with data on both sides of the first L2 table's end. */
async function writtenImage(folder: string): Promise<string> {
  const path = join(folder, "disk.qcow2");
  await createOverlay({ path, backing: null, sizeBytes: 600 * mib });
  await qemuIo(path, ["write -P 3 1M 1M", "write -P 4 511M 2M", "write -z 20M 1M"]);
  return path;
}

const expectContent = (path: string) =>
  qemuIo(path, ["read -P 3 1M 1M", "read -P 4 511M 2M", "read -P 0 20M 1M", "read -P 0 100M 1M"]);

describe("mending an image", () => {
  test("leaves one alone that is right", async () => {
    await using folder = await temporaryFolder();
    const path = await writtenImage(folder.path);
    const before = (await stat(path)).mtimeMs;
    expect(await repairImage(path)).toBe(false);
    expect((await stat(path)).mtimeMs).toBe(before);
  });

  test("makes one valid whose writer was killed with lazy reference counts", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "disk.qcow2");
    await qemuImg("create", "-q", "-f", "qcow2", "-o", "lazy_refcounts=on", path, "600M");
    const writes = ["write -P 3 1M 1M", "write -P 4 511M 2M", "write -z 20M 1M", "flush"];
    await expect(qemuIo(path, [...writes, "sigraise 9"])).rejects.toMatchObject({ signal: "SIGKILL" });
    await expect(expectNoImageErrors(path)).rejects.toThrow();

    expect(await repairImage(path)).toBe(true);

    await expectNoImageErrors(path);
    await expectContent(path);
    expect(await repairImage(path)).toBe(false);
  });

  test("frees clusters that nothing refers to, and counts those that were not counted", async () => {
    await using folder = await temporaryFolder();
    for (const count of [0, 2]) {
      const path = await writtenImage(await folderIn(folder.path, String(count)));
      await using image = await Qcow2Image.open(path);
      const block = await firstRefcountBlock(image);
      const extent = (await collect(image.extents()))[0];
      // A data cluster with a wrong count, and a leaked one behind the end of what is in use.
      await changeBytes(path, block + ((extent?.hostOffset ?? 0) / 65536) * 2, [0, count]);
      await changeBytes(path, block + 1000 * 2, [0, 1]);

      expect(await repairImage(path)).toBe(true);
      await expectNoImageErrors(path);
      await expectContent(path);
    }
  });

  test("survives a refcount table that is nonsense", async () => {
    await using folder = await temporaryFolder();
    const path = await writtenImage(folder.path);
    await using image = await Qcow2Image.open(path);
    await changeBytes(path, image.header.refcountTableOffset, [0, 0, 0, 0, 0, 0xff, 0xff, 0xff]);
    expect(await repairImage(path)).toBe(true);
    await expectNoImageErrors(path);
    await expectContent(path);
  });

  test("fills up a last cluster that was written in part", async () => {
    await using folder = await temporaryFolder();
    const path = await writtenImage(folder.path);
    await appendFile(path, Buffer.alloc(100));
    await repairImage(path);
    expect((await stat(path)).size % 65536).toBe(0);
    await expectNoImageErrors(path);
    await expectContent(path);
  });
});

describe("tables that are wrong are refused:", () => {
  interface Places {
    readonly l1: number;
    readonly l2: number;
    readonly data: number;
  }
  const cases: readonly [what: string, change: (path: string, places: Places) => Promise<void>][] = [
    ["a data cluster used twice", (path, { l2, data }) => changeBytes(path, l2 + 8, offsetEntry(data))],
    ["a data cluster in a table", (path, { l1, l2 }) => changeBytes(path, l2 + 8, offsetEntry(l1))],
    ["an L2 table used twice", (path, { l1, l2 }) => changeBytes(path, l1, offsetEntry(l2))],
    ["an L2 table in the header", (path, { l1 }) => changeBytes(path, l1, [0x80, 0, 0, 0, 0, 0, 0, 0])],
    ["an L2 table behind the end", (path, { l1 }) => changeBytes(path, l1, offsetEntry(2 ** 40))],
    ["data behind the end of the file", (path, { l2 }) => changeBytes(path, l2 + 8, offsetEntry(2 ** 40))],
    ["an unaligned data cluster", (path, { l2, data }) => changeBytes(path, l2 + 8, offsetEntry(data + 512))],
    ["a compressed cluster", (path, { l2 }) => changeBytes(path, l2 + 8, [0x40, 0, 0, 0, 0, 5, 0, 0])],
    ["a shared cluster", (path, { l2 }) => changeBytes(path, l2 + 8, [0, 0, 0, 0, 0, 5, 0, 0])],
    ["reserved bits", (path, { l2 }) => changeBytes(path, l2 + 8, [0x81, 0, 0, 0, 0, 0, 0, 0])],
    [
      "clusters behind the end of the disk",
      (path, { l2 }) => changeBytes(path, l2 + 8 * 17, offsetEntry(65536)),
    ],
  ];
  test.each(cases)("%s", async (_, change) => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "disk.qcow2");
    const writer = await OverlayWriter.create({ path, backing: null, sizeBytes: 513 * mib });
    await writer.writeData(0, Buffer.alloc(65536, 1));
    await writer.writeData(512 * mib, Buffer.alloc(65536, 2));
    await writer.finish(false);
    // Its layout: header, refcount table, L1, data, data, L2, L2, refcount block.
    const places = { l1: 2 * 65536, l2: 6 * 65536, data: 3 * 65536 };
    await using image = await Qcow2Image.open(path);
    expect(image.tableOffset(1)).toBe(places.l2);

    await change(path, places);

    const refused = expect.objectContaining({ code: "LayerImageRefused" });
    await expect(repairImage(path)).rejects.toEqual(refused);
    const readAll = async () => {
      await using changed = await Qcow2Image.open(path);
      await collect(changed.extents());
    };
    await expect(readAll()).rejects.toEqual(refused);
  });
});

function offsetEntry(offset: number): number[] {
  const entry = Buffer.alloc(8);
  entry.writeBigUInt64BE(BigInt(offset) | (1n << 63n));
  return [...entry];
}

async function folderIn(parent: string, name: string): Promise<string> {
  const path = join(parent, name);
  await mkdir(path);
  return path;
}

async function firstRefcountBlock(image: Qcow2Image): Promise<number> {
  const entry = Buffer.alloc(8);
  await image.readHost(entry, image.header.refcountTableOffset);
  return Number(entry.readBigUInt64BE());
}
