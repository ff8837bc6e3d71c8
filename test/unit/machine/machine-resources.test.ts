import { describe, expect, test } from "vitest";
import { machineResources } from "../../../src/machine/machine-resources.ts";

const host = { memoryMib: 10_240 };

describe("the machine's share of the host", () => {
  test("is all CPUs and 40 % of the memory, within 3 and 6 GiB", () => {
    expect(machineResources({}, host)).toEqual({
      cpus: 1,
      memoryMib: 4096,
      dataDiskMib: 64 * 1024,
      idleMinutes: 15,
    });
    expect(machineResources({}, { memoryMib: 2048 }).memoryMib).toBe(3072);
    expect(machineResources({}, { memoryMib: 262_144 }).memoryMib).toBe(6144);
  });

  test("is what the environment says", () => {
    const resources = machineResources(
      { LIGHTBOX_MACHINE_CPUS: "2", LIGHTBOX_MACHINE_MEMORY: "2048", LIGHTBOX_MACHINE_DISK: "8" },
      host,
    );

    expect(resources).toMatchObject({ cpus: 2, memoryMib: 2048, dataDiskMib: 8192 });
  });

  test.each([
    ["30", 30],
    ["45m", 45],
    ["2h", 120],
    ["0", 0],
    ["", 15],
  ])("waits for %j as idle time: %d minutes", (text, minutes) => {
    expect(machineResources({ LIGHTBOX_MACHINE_IDLE: text }, host).idleMinutes).toBe(minutes);
  });

  test.each([
    ["LIGHTBOX_MACHINE_IDLE", "soon"],
    ["LIGHTBOX_MACHINE_IDLE", "-1"],
    ["LIGHTBOX_MACHINE_CPUS", "0"],
    ["LIGHTBOX_MACHINE_CPUS", "1.5"],
    ["LIGHTBOX_MACHINE_MEMORY", "4G"],
    ["LIGHTBOX_MACHINE_MEMORY", "512"],
    ["LIGHTBOX_MACHINE_DISK", "1e3"],
  ])("refuses %s=%s, naming it", (name, text) => {
    expect(() => machineResources({ [name]: text }, host)).toThrow(
      expect.objectContaining({ code: "MachineSettingInvalid", message: expect.stringContaining(name) }),
    );
  });
});
