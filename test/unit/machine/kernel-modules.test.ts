import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  hasMachineModules,
  machineModules,
  moduleDependencies,
  modulesInLoadOrder,
} from "../../../src/machine/kernel-modules.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

describe("kernel modules", () => {
  test("come after all that they depend on, each once, whatever folder they are in", async () => {
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, "kernel/drivers"), { recursive: true });
    await writeFile(join(folder.path, "kernel/drivers/virtio_pci.ko"), moduleFile("virtio,virtio_ring"));
    await writeFile(join(folder.path, "kernel/drivers/virtio.ko"), moduleFile("virtio_ring"));
    await writeFile(join(folder.path, "kernel/virtio_ring.ko"), moduleFile(""));
    await writeFile(join(folder.path, "kernel/kvm-amd.ko"), moduleFile("kvm"));
    await writeFile(join(folder.path, "kernel/kvm.ko"), moduleFile(""));

    const modules = await modulesInLoadOrder(folder.path, ["virtio_pci", "kvm_amd"]);

    expect(modules.map(({ name }) => name)).toEqual([
      "virtio_ring",
      "virtio",
      "virtio_pci",
      "kvm",
      "kvm_amd",
    ]);
    expect(modules.at(-1)?.path).toBe(join(folder.path, "kernel/kvm-amd.ko"));
  });

  test("that the kernel lacks are named in the failure", async () => {
    await using folder = await temporaryFolder();

    await expect(modulesInLoadOrder(folder.path, ["virtio_blk"])).rejects.toMatchObject({
      code: "KernelModuleMissing",
      message: expect.stringContaining("virtio_blk"),
    });
  });

  test("spell their dependencies with underscores, as the kernel does", () => {
    expect(moduleDependencies(moduleFile("kvm,irq-bypass"))).toEqual(["kvm", "irq_bypass"]);
    expect(moduleDependencies(moduleFile(""))).toEqual([]);
  });

  test("that are no ELF files are refused", () => {
    expect(() => moduleDependencies(Buffer.from("#!/bin/sh\n"))).toThrow(
      expect.objectContaining({ code: "KernelModuleDamaged" }),
    );
  });

  test("that were cut short anywhere are refused, never misread", () => {
    const whole = moduleFile("kvm");
    for (let length = 0; length < whole.length; length += 7) {
      expect(() => moduleDependencies(whole.subarray(0, length))).toThrow(
        expect.objectContaining({ code: "KernelModuleDamaged" }),
      );
    }
  });

  test("of the machine count only while each is there and whole", async () => {
    await using folder = await temporaryFolder();
    const names = Object.values(machineModules).flat();
    for (const name of names) await writeFile(join(folder.path, `${name}.ko`), moduleFile(""));
    expect(await hasMachineModules(folder.path)).toBe(true);

    await writeFile(join(folder.path, "virtio_net.ko"), "");
    expect(await hasMachineModules(folder.path)).toBe(false);
    await rm(join(folder.path, "virtio_net.ko"));
    expect(await hasMachineModules(folder.path)).toBe(false);
    expect(await hasMachineModules(join(folder.path, "gone"))).toBe(false);
  });
});

/** The least of an ELF file that has a `.modinfo` section. */
function moduleFile(depends: string): Buffer {
  const names = Buffer.from("\0.shstrtab\0.modinfo\0");
  const info = Buffer.from(`license=GPL\0depends=${depends}\0name=x\0`);
  const header = Buffer.alloc(64);
  header.write("\x7fELF\x02\x01\x01", "latin1");
  const tableOffset = 64 + names.length + info.length;
  header.writeBigUInt64LE(BigInt(tableOffset), 40);
  header.writeUInt16LE(64, 58);
  header.writeUInt16LE(3, 60);
  header.writeUInt16LE(1, 62);
  const section = (nameAt: number, at: number, size: number): Buffer => {
    const bytes = Buffer.alloc(64);
    bytes.writeUInt32LE(nameAt, 0);
    bytes.writeBigUInt64LE(BigInt(at), 24);
    bytes.writeBigUInt64LE(BigInt(size), 32);
    return bytes;
  };
  const sections = [
    section(0, 0, 0),
    section(1, 64, names.length),
    section(11, 64 + names.length, info.length),
  ];
  return Buffer.concat([header, names, info, ...sections]);
}
