import { describe, expect, test } from "vitest";
import {
  checkMemory,
  checkNode,
  checkPlatform,
  examineHost,
  judgeFreeSpace,
  judgeTemporaryFolder,
  mendVirtualization,
} from "../../../src/machine/doctor.ts";
import type { VirtualizationFacts } from "../../../src/machine/host-virtualization.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const linux: VirtualizationFacts = {
  platform: "linux",
  architecture: "x64",
  kernelRelease: "6.1.0",
  device: { kind: "missing" },
  cpuFlags: [],
};

describe("the doctor", () => {
  test("names the command that installs the machine where nothing but the machine can help", async () => {
    await using folder = await temporaryFolder();
    const checks = await examineHost(
      { home: folder.path, packageDirectory: folder.path, command: ["false"], facts: linux },
      AbortSignal.timeout(20_000),
    );
    const byName = new Map(checks.map((check) => [check.name, check]));

    expect(byName.get("hardware virtualization")).toMatchObject({
      status: "warning",
      detail: "there is no /dev/kvm",
    });
    expect(byName.get("machine: kernel")).toMatchObject({ status: "missing", mend: "lightbox machine init" });
    expect(byName.get("microsandbox")).toMatchObject({
      status: "missing",
      mend: "npm install --no-save microsandbox @superradcompany/microsandbox-linux-x64-gnu",
    });
  });

  test("asks for no machine where virtualization works", async () => {
    await using folder = await temporaryFolder();
    const options = { home: folder.path, packageDirectory: folder.path, command: ["false"], facts: linux };
    const checks = await examineHost({ ...options, override: "native" }, AbortSignal.timeout(20_000));
    const machine = checks.filter((check) => check.name.startsWith("machine:"));

    expect(machine).toHaveLength(4);
    expect(machine.every((check) => check.status === "ok" && check.mend === null)).toBe(true);
    expect(checks.map((check) => check.name)).toContain("temporary folder");
  });

  test.each([
    ["22.11.9", "missing"],
    ["20.19.0", "missing"],
    ["22.12.0", "ok"],
    ["26.1.0", "ok"],
  ])("finds Node.js %s %s", (version, status) => {
    expect(checkNode(version).status).toBe(status);
  });

  test("knows the platforms that have a microVM runtime", () => {
    expect(checkPlatform(linux).status).toBe("ok");
    expect(checkPlatform({ ...linux, architecture: "arm64" }).status).toBe("ok");
    expect(checkPlatform({ ...linux, platform: "darwin" }).status).toBe("missing");
    expect(checkPlatform({ ...linux, platform: "win32" }).status).toBe("missing");
  });

  test("mends missing virtualization only where a command can", () => {
    expect(mendVirtualization(linux)).toBeNull();
    expect(mendVirtualization({ ...linux, cpuFlags: ["vmx"] })).toBe("sudo modprobe kvm_intel");
    expect(mendVirtualization({ ...linux, cpuFlags: ["svm"] })).toBe("sudo modprobe kvm_amd");
    expect(mendVirtualization({ ...linux, device: { kind: "forbidden" } })).toContain("usermod -aG kvm");
  });

  test("warns below 10 GiB of free space and stops below one", () => {
    expect(judgeFreeSpace(20 * 2 ** 30, "/home").status).toBe("ok");
    expect(judgeFreeSpace(5 * 2 ** 30, "/home").status).toBe("warning");
    expect(judgeFreeSpace(2 ** 29, "/home").status).toBe("missing");
  });

  test.each([
    [0x01021994, "6.1.0-56", "missing"],
    [0x01021994, "6.6.1", "ok"],
    [0x01021994, "7.0.0", "ok"],
    [0xef53, "5.4.0", "ok"],
    [0x12345, "6.12.0", "warning"],
  ])("judges a temporary folder on file system %d under Linux %s: %s", (fileSystem, kernel, status) => {
    expect(judgeTemporaryFolder("/tmp", fileSystem, kernel).status).toBe(status);
  });

  test("advises more memory where the machine is needed", () => {
    expect(checkMemory(3000, false).status).toBe("ok");
    expect(checkMemory(3000, true)).toMatchObject({
      status: "warning",
      mend: "export LIGHTBOX_MACHINE_MEMORY=1800",
    });
  });
});
