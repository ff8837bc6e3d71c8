import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { VirtualizationFacts } from "../../../src/machine/host-virtualization.ts";
import { machinePaths } from "../../../src/machine/machine-paths.ts";
import { probeVirtualization } from "../../../src/machine/probe.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const capable: VirtualizationFacts = {
  platform: "linux",
  architecture: "x64",
  kernelRelease: "6.12.0",
  device: { kind: "present", identity: "1:2:3" },
  cpuFlags: ["vmx"],
};
const signal = () => AbortSignal.timeout(20_000);

describe("the virtualization probe", () => {
  test("finds it usable when a sandbox boots, and remembers that", async () => {
    await using folder = await temporaryFolder();
    const child = standIn(folder.path, "process.exit(0)");
    const options = { home: folder.path, command: child.command, facts: capable };

    expect(await probeVirtualization(options, signal())).toMatchObject({
      isUsable: true,
      decidedBy: "trial",
    });
    expect(await probeVirtualization(options, signal())).toMatchObject({
      isUsable: true,
      decidedBy: "memory",
    });
    expect(await child.starts()).toBe(1);
  });

  test("finds it unusable when the boot fails, with the child's reason", async () => {
    await using folder = await temporaryFolder();
    const { command } = standIn(folder.path, "console.error('no such ioctl'); process.exit(1)");
    const answer = await probeVirtualization({ home: folder.path, command, facts: capable }, signal());

    expect(answer).toMatchObject({ isUsable: false, decidedBy: "trial" });
    expect(answer.reason).toContain("no such ioctl");
  });

  test("kills a child that hangs, with all that it started, and finds it unusable", async () => {
    await using folder = await temporaryFolder();
    const pids = join(folder.path, "pids");
    const child = standIn(
      folder.path,
      `const grandchild = require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
       require("node:fs").writeFileSync(${JSON.stringify(pids)}, process.pid + " " + grandchild.pid);
       process.on("SIGTERM", () => {});
       for (;;) ;`,
    );
    const options = { home: folder.path, command: child.command, facts: capable, timeoutMs: 6_000 };

    expect(await probeVirtualization(options, signal())).toMatchObject({
      isUsable: false,
      reason: "a microVM did not boot within 6 s",
    });
    for (const pid of (await readFile(pids, "utf8")).split(" ")) await untilDead(Number(pid));
    expect(await probeVirtualization(options, signal())).toMatchObject({
      isUsable: false,
      decidedBy: "memory",
    });
  });

  test.each<[string, Partial<VirtualizationFacts>]>([
    ["the kernel", { kernelRelease: "6.13.0" }],
    ["the device", { device: { kind: "present", identity: "1:2:4" } }],
    ["the processor", { cpuFlags: ["svm"] }],
  ])("tries again when %s has changed", async (_what, change) => {
    await using folder = await temporaryFolder();
    const child = standIn(folder.path, "process.exit(0)");
    const options = { home: folder.path, command: child.command, facts: capable };
    await probeVirtualization(options, signal());
    await probeVirtualization({ ...options, facts: { ...capable, ...change } }, signal());

    expect(await child.starts()).toBe(2);
  });

  test("tries again when it is forced to, or when what it remembers cannot be read", async () => {
    await using folder = await temporaryFolder();
    const child = standIn(folder.path, "process.exit(0)");
    const options = { home: folder.path, command: child.command, facts: capable };
    await probeVirtualization(options, signal());
    await probeVirtualization({ ...options, force: true }, signal());
    await writeFile(machinePaths(folder.path).probe, '{"isUsable":');
    await probeVirtualization(options, signal());

    expect(await child.starts()).toBe(3);
  });

  test("remembers nothing when the child could not try", async () => {
    await using folder = await temporaryFolder();
    const child = standIn(folder.path, "console.error('no runtime'); process.exit(2)");
    const options = { home: folder.path, command: child.command, facts: capable };

    const failure = { code: "ProbeNotPossible", message: expect.stringContaining("no runtime") };
    await expect(probeVirtualization(options, signal())).rejects.toMatchObject(failure);
    await expect(probeVirtualization(options, signal())).rejects.toMatchObject(failure);
    expect(await child.starts()).toBe(2);
  });

  test.each<[string, Partial<VirtualizationFacts>]>([
    ["no device", { device: { kind: "missing" } }],
    ["a device that the user may not open", { device: { kind: "forbidden" } }],
    ["a processor without vmx and svm", { cpuFlags: [] }],
    ["an Intel Mac", { platform: "darwin" }],
    ["another system", { platform: "win32" }],
  ])("starts no child on a host with %s", async (_what, change) => {
    await using folder = await temporaryFolder();
    const child = standIn(folder.path, "process.exit(0)");
    const facts = { ...capable, ...change };

    expect(
      await probeVirtualization({ home: folder.path, command: child.command, facts }, signal()),
    ).toMatchObject({ isUsable: false, decidedBy: "facts" });
    expect(await child.starts()).toBe(0);
  });

  test("tries on arm64, whose processors do not list the ability", async () => {
    await using folder = await temporaryFolder();
    const { command } = standIn(folder.path, "process.exit(0)");
    const facts = { ...capable, architecture: "arm64", cpuFlags: [] };

    expect(await probeVirtualization({ home: folder.path, command, facts }, signal())).toMatchObject({
      isUsable: true,
    });
  });

  test.each([
    ["native", true],
    ["machine", false],
  ])("is overruled by LIGHTBOX_VIRTUALIZATION=%s", async (override, isUsable) => {
    await using folder = await temporaryFolder();
    const child = standIn(folder.path, "process.exit(1)");
    const options = { home: folder.path, command: child.command, facts: capable, override };

    expect(await probeVirtualization(options, signal())).toMatchObject({ isUsable, decidedBy: "override" });
    expect(await child.starts()).toBe(0);
  });

  test("refuses another value of LIGHTBOX_VIRTUALIZATION", async () => {
    await using folder = await temporaryFolder();
    const options = { home: folder.path, command: ["false"], facts: capable, override: "qemu" };

    await expect(probeVirtualization(options, signal())).rejects.toMatchObject({
      code: "VirtualizationSettingInvalid",
      category: "usage",
    });
  });

  test("ends at once when it is cancelled, and remembers nothing", async () => {
    await using folder = await temporaryFolder();
    const child = standIn(folder.path, "setInterval(() => {}, 1000)");
    const options = { home: folder.path, command: child.command, facts: capable };

    await expect(probeVirtualization(options, AbortSignal.abort())).rejects.toMatchObject({
      code: "Cancelled",
    });
    await expect(readFile(machinePaths(folder.path).probe)).rejects.toMatchObject({ code: "ENOENT" });
  });
});

/** A child process that notes each of its starts before it does what the script says. */
function standIn(folder: string, script: string) {
  const log = join(folder, "starts");
  const noted = `require("node:fs").appendFileSync(${JSON.stringify(log)}, "x");\n${script}`;
  return {
    command: [process.execPath, "-e", noted],
    starts: async (): Promise<number> => {
      try {
        return (await readFile(log, "utf8")).length;
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return 0;
        throw error;
      }
    },
  };
}

/** A killed orphan may stay a zombie where PID 1 reaps nobody; that is as dead as it gets. */
async function untilDead(pid: number): Promise<void> {
  for (;;) {
    try {
      if (/^\d+ \(.*\) [ZX]/s.test(await readFile(`/proc/${pid}/stat`, "utf8"))) return;
    } catch {
      return;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}
