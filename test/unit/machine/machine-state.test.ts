import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { type MachinePaths, machinePaths } from "../../../src/machine/machine-paths.ts";
import {
  findUnrecordedQemu,
  hostBootId,
  type MachineState,
  parseProcessStat,
  readLiveState,
  readQemuProcess,
  writeState,
} from "../../../src/machine/machine-state.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

describe.skipIf(process.platform !== "linux")("the record of the running machine", () => {
  test("is of a machine while its very process lives, and of none afterwards", async () => {
    await using folder = await temporaryFolder();
    const paths = await preparedPaths(folder.path);
    const qemu = await startStandIn(paths);
    const state = await stateOf(qemu.pid, paths);
    await writeState(paths, state);

    expect(await readLiveState(paths)).toEqual(state);
    expect((await stat(paths.state)).mode & 0o777).toBe(0o600);

    await qemu.end();
    expect(await readLiveState(paths)).toBeUndefined();
  });

  test("does not take a stranger with the same process number for the machine", async () => {
    await using folder = await temporaryFolder();
    const paths = await preparedPaths(folder.path);
    const qemu = await startStandIn(paths);
    const state = await stateOf(qemu.pid, paths);
    try {
      for (const changed of [
        { pid: process.pid },
        { startTicks: state.startTicks - 1 },
        { bootId: "another" },
      ]) {
        await writeState(paths, { ...state, ...changed });
        expect(await readLiveState(paths)).toBeUndefined();
      }
    } finally {
      await qemu.end();
    }
  });

  test.each(["", "{", "[]", '{"formatVersion":2}'])("counts as none when the file holds %j", async (text) => {
    await using folder = await temporaryFolder();
    const paths = await preparedPaths(folder.path);
    await writeFile(paths.state, text);

    expect(await readLiveState(paths)).toBeUndefined();
  });

  test("that was never written does not hide a QEMU that runs", async () => {
    await using folder = await temporaryFolder();
    const paths = await preparedPaths(folder.path);
    expect(await findUnrecordedQemu(paths)).toBeUndefined();
    const qemu = await startStandIn(paths);
    await writeFile(paths.pidFile, `${qemu.pid}\n`);
    try {
      expect((await findUnrecordedQemu(paths))?.pid).toBe(qemu.pid);
    } finally {
      await qemu.end();
    }
    expect(await findUnrecordedQemu(paths)).toBeUndefined();
  });
});

test("a process' start time is found whatever its name is", () => {
  const fields = ["S", ...Array.from({ length: 18 }, (_, index) => String(index)), "4711", "0"].join(" ");

  expect(parseProcessStat(`42 (a) b (c) ${fields}`)).toEqual({ state: "S", startTicks: 4711 });
});

async function preparedPaths(home: string): Promise<MachinePaths> {
  const paths = machinePaths(home);
  await mkdir(paths.run, { recursive: true });
  return paths;
}

/** A process with the mark of a machine's QEMU on its command line. */
async function startStandIn(paths: MachinePaths) {
  const script = "process.stdout.write('up'); process.stdin.resume()";
  const child = spawn(process.execPath, ["-e", script, "--", "-pidfile", paths.pidFile, "-end"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  if (child.pid === undefined) throw new Error("not started");
  return {
    pid: child.pid,
    end: async () => {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function stateOf(pid: number, paths: MachinePaths): Promise<MachineState> {
  const found = await readQemuProcess(pid, paths.pidFile);
  if (found === undefined) throw new Error("the stand-in is not recognized");
  return {
    formatVersion: 1,
    ...found,
    bootId: await hostBootId(),
    hostPort: 1,
    token: "t",
    imageKey: "k",
    startedAt: "2026-01-01T00:00:00.000Z",
    cpus: 1,
    memoryMib: 1024,
  };
}
