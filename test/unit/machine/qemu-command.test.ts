import { describe, expect, test } from "vitest";
import { type QemuOptions, qemuCommand } from "../../../src/machine/qemu-command.ts";

const options: QemuOptions = {
  qemuPath: "/usr/bin/qemu-system-x86_64",
  kernel: "/home/user/kernel",
  initramfs: "/home/user/initramfs",
  rootDisk: "/home/user/root.img",
  dataDisk: "/home/user/data.img",
  guestSettings: "/home/user/settings",
  consoleLog: "/home/user/console.log",
  pidFile: "/home/user/qemu.pid",
  cpus: 3,
  memoryMib: 2048,
};

describe("QEMU's command line", () => {
  test("emulates a processor with virtualization of its own, of the asked size", () => {
    const line = qemuCommand(options).join(" ");

    expect(line).toContain("-accel tcg,thread=multi");
    expect(line).toContain("-cpu max,+svm -smp 3 -m 2048M");
  });

  test("has the root disk first and read-only, then the data disk", () => {
    const drives = qemuCommand(options).filter(
      (word) => word.includes("file=/home/user/") && /if=none/.test(word),
    );

    expect(drives).toHaveLength(2);
    expect(drives[0]).toMatch(/readonly=on.*root\.img/);
    expect(drives[1]).toMatch(/cache=writeback.*data\.img/);
    expect(drives[1]).not.toContain("readonly");
  });

  test("listens on the loopback only", () => {
    const forwards = qemuCommand(options).filter((word) => word.includes("hostfwd"));

    expect(forwards).toEqual(["user,id=net0,hostfwd=tcp:127.0.0.1:0-:7070"]);
  });

  test("keeps a comma in a path from starting another option", () => {
    const words = qemuCommand({ ...options, dataDisk: "/home/a,readonly=on/data.img" });

    expect(words.find((word) => word.includes("id=data"))).toContain("file=/home/a,,readonly=on/data.img");
  });
});
