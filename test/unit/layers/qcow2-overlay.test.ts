import { open, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readHeader } from "../../../src/layers/qcow2/header.ts";
import { createOverlay, OverlayWriter } from "../../../src/layers/qcow2/overlay-writer.ts";
import { rewriteBacking } from "../../../src/layers/qcow2/rewrite-backing.ts";
import { expectNoImageErrors, expectSameDisk, qemuImg, qemuIo } from "../../support/qemu-image-tools.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const mib = 1024 ** 2;

async function rawDisk(path: string, sizeBytes: number): Promise<void> {
  await writeFile(path, "base");
  await truncate(path, sizeBytes);
}

describe("a new overlay", () => {
  test.each([1, 512, 513, 8192, 4 * 1024 ** 2 + 512])("of %i MiB is valid to qemu-img", async (sizeMib) => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "disk.qcow2");
    await rawDisk(join(folder.path, "disk.raw"), sizeMib * mib);
    await createOverlay({ path, backing: { path: "disk.raw", format: "raw" }, sizeBytes: sizeMib * mib });

    await expectNoImageErrors(path);
    const info: unknown = JSON.parse(await qemuImg("info", "--output=json", path));
    expect(info).toMatchObject({
      "virtual-size": sizeMib * mib,
      "backing-filename": "disk.raw",
      "backing-filename-format": "raw",
      "cluster-size": 65536,
      "format-specific": { data: { compat: "1.1", "refcount-bits": 16, corrupt: false } },
    });
  });

  test("takes next to no space, whatever its size", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "disk.qcow2");
    await createOverlay({ path, backing: null, sizeBytes: 8 * 1024 ** 4 });
    expect((await stat(path)).blocks * 512).toBeLessThanOrEqual(16 * 1024);
  });

  test("can be written to by another implementation and read back by it", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "disk.qcow2");
    await rawDisk(join(folder.path, "disk.raw"), 600 * mib);
    await createOverlay({ path, backing: { path: "disk.raw", format: "raw" }, sizeBytes: 600 * mib });
    await qemuIo(path, ["write -P 7 511M 2M", "write -z 0 64k"]);
    await expectNoImageErrors(path);
    await qemuIo(path, ["read -P 7 511M 2M", "read -P 0 0 64k", "read -P 0 1M 1M"]);
  });

  test("does not replace a file that is there", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "disk.qcow2");
    await createOverlay({ path, backing: null, sizeBytes: mib });
    await expect(createOverlay({ path, backing: null, sizeBytes: mib })).rejects.toMatchObject({
      code: "EEXIST",
    });
  });

  test.each(["/etc/shadow", "json:{}", "nbd://host/disk", "host_device:/dev/sda"])(
    "is not made over %s",
    async (name) => {
      await using folder = await temporaryFolder();
      const request = {
        path: join(folder.path, "disk.qcow2"),
        backing: { path: name, format: "raw" as const },
        sizeBytes: mib,
      };
      await expect(createOverlay(request)).rejects.toThrow(/backing name/);
    },
  );
});

describe("the writer", () => {
  test("refuses clusters out of order, unaligned or behind the end", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "disk.qcow2");
    const writer = await OverlayWriter.create({ path, backing: null, sizeBytes: mib });
    const cluster = Buffer.alloc(65536, 1);
    await writer.writeData(65536, cluster);
    await expect(writer.writeData(0, cluster)).rejects.toThrow(/out of order/);
    await expect(writer.writeData(65536 * 2 + 512, cluster)).rejects.toThrow(/out of order/);
    await expect(writer.writeZeros(mib, 65536)).rejects.toThrow(/bounds/);
    await writer.finish(false);
    await expectNoImageErrors(path);
  });

  test("maps a run that crosses from one L2 table to the next", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "disk.qcow2");
    const writer = await OverlayWriter.create({ path, backing: null, sizeBytes: 1024 * mib });
    await writer.writeData(511 * mib, Buffer.alloc(2 * mib, 9));
    await writer.writeZeros(1023 * mib, mib);
    await writer.finish(true);
    await expectNoImageErrors(path);
    await qemuIo(path, ["read -P 9 511M 2M", "read -P 0 513M 511M"]);
  });
});

describe("another backing file", () => {
  test("takes effect and leaves the data as it is", async () => {
    await using folder = await temporaryFolder();
    const at = (name: string) => join(folder.path, name);
    await rawDisk(at("one.raw"), 64 * mib);
    await rawDisk(at("two.raw"), 64 * mib);
    await qemuIo(at("two.raw"), ["write -P 2 0 1M"], "raw");
    const backing = { path: "one.raw", format: "raw" as const };
    await createOverlay({ path: at("disk.qcow2"), backing, sizeBytes: 64 * mib });
    await qemuIo(at("disk.qcow2"), ["write -P 5 3M 1M"]);

    await rewriteBacking(at("disk.qcow2"), { path: "two.raw", format: "raw" });

    await expectNoImageErrors(at("disk.qcow2"));
    await qemuIo(at("disk.qcow2"), ["read -P 2 0 1M", "read -P 5 3M 1M"]);
  });

  test("replaces what qemu-img wrote, with a longer or shorter name", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "disk.qcow2");
    await qemuImg("create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b", "a".repeat(300), path, "64M");
    for (const name of ["b", "c".repeat(1000)]) {
      await rewriteBacking(path, { path: name, format: "qcow2" });
      const file = await open(path);
      expect((await readHeader(file)).backing).toEqual({ path: name, format: "qcow2" });
      await file.close();
    }
    await rewriteBacking(path, null);
    await expectNoImageErrors(path);
    await qemuImg("create", "-q", "-f", "qcow2", join(folder.path, "empty.qcow2"), "64M");
    await expectSameDisk(path, join(folder.path, "empty.qcow2"));
  });
});
