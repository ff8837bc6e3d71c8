import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseCpuFlags } from "../../../src/machine/host-virtualization.ts";
import { folderName, parseControlField } from "../../../src/machine/install/debian-packages.ts";
import { installCommands, missingProgramCode } from "../../../src/machine/install/system-packages.ts";
import { requireInstallation, requireMachineHost } from "../../../src/machine/machine-installation.ts";
import { machinePaths } from "../../../src/machine/machine-paths.ts";
import { parseLddOutput } from "../../../src/machine/shared-libraries.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

describe("installing the machine", () => {
  test("runs apt as root directly, and through sudo for anybody else", () => {
    const asRoot = installCommands(["qemu-system-x86"], { isRoot: true, isKnown: true });
    const asUser = installCommands(["qemu-system-x86"], { isRoot: false, isKnown: true });

    expect(asRoot).toHaveLength(1);
    expect(asRoot[0]?.slice(0, 3)).toEqual(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    expect(asUser[0]?.[0]).toBe("sudo");
    expect(asUser[0]?.at(-1)).toBe("qemu-system-x86");
  });

  test("fetches the lists of packages first where they do not know what is wanted", () => {
    const commands = installCommands(["qemu-system-x86"], { isRoot: true, isKnown: false });

    expect(
      commands.map((command) => command.find((word) => word === "update" || word === "install")),
    ).toEqual(["update", "install"]);
  });

  test("names the tool that is missing: mke2fs alone is no matter of QEMU", () => {
    expect(missingProgramCode(true)).toBe("QemuMissing");
    expect(missingProgramCode(false)).toBe("FilesystemToolMissing");
  });

  test("reads the fields of a package's record", () => {
    const record =
      "Package: x\nVersion: 1:2.3~rc1-4\nDepends: linux-image-6.1 (= 6.1.2), other\nDescription: a\n Version: no\n";

    expect(parseControlField(record, "Version")).toBe("1:2.3~rc1-4");
    expect(parseControlField(record, "Depends")).toBe("linux-image-6.1 (= 6.1.2), other");
    expect(parseControlField(record, "Homepage")).toBeUndefined();
  });

  test("names a package's folder so that no version leaves it", () => {
    expect(folderName("linux-image", "1:6.1~rc+1")).toBe("linux-image_1_6.1~rc+1");
    expect(folderName("x", "../../etc")).not.toContain("/");
  });

  test("finds the libraries that ldd lists, the loader too, and none of a static program", () => {
    const listing = [
      "\tlinux-vdso.so.1 (0x00007f41bd273000)",
      "\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f41bd172000)",
      "\tlibgone.so => not found",
      "\t/lib64/ld-linux-x86-64.so.2 (0x00007f41bd275000)",
    ].join("\n");

    expect(parseLddOutput(listing)).toEqual([
      "/lib/x86_64-linux-gnu/libm.so.6",
      "/lib64/ld-linux-x86-64.so.2",
    ]);
    expect(parseLddOutput("\tstatically linked\n")).toEqual([]);
  });

  test("is refused where the machine cannot run", () => {
    expect(() => requireMachineHost("linux", "x64")).not.toThrow();
    expect(() => requireMachineHost("linux", "arm64")).toThrow(
      expect.objectContaining({ code: "MachineUnsupportedHost" }),
    );
    expect(() => requireMachineHost("darwin", "arm64")).toThrow(
      expect.objectContaining({ code: "MachineUnsupportedHost" }),
    );
  });
});

describe("an installation", () => {
  test("that is not there, or not readable, is asked for by command", async () => {
    await using folder = await temporaryFolder();
    const paths = machinePaths(folder.path);
    const failure = { code: "MachineNotInstalled", hint: expect.stringContaining("lightbox machine init") };
    await expect(requireInstallation(paths)).rejects.toMatchObject(failure);
    await mkdir(paths.root, { recursive: true });
    await writeFile(paths.installation, "{}");
    await expect(requireInstallation(paths)).rejects.toMatchObject(failure);
  });

  test("counts only while all its files are there", async () => {
    await using folder = await temporaryFolder();
    const paths = machinePaths(folder.path);
    await mkdir(paths.root, { recursive: true });
    const file = (name: string) => join(folder.path, name);
    for (const name of ["qemu", "vmlinuz", "busybox", "mke2fs"]) await writeFile(file(name), "");
    const installation = {
      formatVersion: 1,
      installedAt: "2026-01-01T00:00:00.000Z",
      qemu: { path: file("qemu"), version: "7.2" },
      kernel: {
        package: "linux-image",
        version: "6.1",
        release: "6.1.0",
        image: file("vmlinuz"),
        modulesDirectory: folder.path,
      },
      busybox: { path: file("busybox"), version: "1.35" },
      mke2fs: { path: file("mke2fs"), version: "1.47" },
    };
    await writeFile(paths.installation, JSON.stringify(installation));
    expect(await requireInstallation(paths)).toEqual(installation);

    await writeFile(
      paths.installation,
      JSON.stringify({ ...installation, qemu: { path: file("uninstalled"), version: "7.2" } }),
    );
    await expect(requireInstallation(paths)).rejects.toMatchObject({ code: "MachineNotInstalled" });
  });
});

test("a processor's virtualization flags are read as whole words", () => {
  expect(parseCpuFlags("model\t: x\nflags\t\t: fpu vmx svmx\n")).toEqual(["vmx"]);
  expect(parseCpuFlags("flags : svm\n\nprocessor : 1\nflags : svm vmx\n")).toEqual(["svm"]);
  expect(parseCpuFlags("Features : fp asimd\n")).toEqual([]);
});
