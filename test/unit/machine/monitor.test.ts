import { mkdir } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, test } from "vitest";
import { humanCommand, withMonitor } from "../../../src/machine/monitor.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const signal = () => AbortSignal.timeout(20_000);

describe.skipIf(process.platform !== "linux")("QEMU's monitor", () => {
  test("is reached in a folder whose path is longer than a socket's address may be", async () => {
    await using folder = await temporaryFolder();
    const run = join(folder.path, "long".repeat(40), "run");
    await using qemu = await fakeQemu(run, (command) => ({ return: { command } }));

    expect(await withMonitor(run, signal(), (call) => call("query-status"))).toEqual({
      command: "query-status",
    });
    expect(qemu.commands).toEqual(["qmp_capabilities", "query-status"]);
  });

  test("may tell of events between a question and its answer", async () => {
    await using folder = await temporaryFolder();
    await using _qemu = await fakeQemu(folder.path, (_command, socket) => {
      socket.write(`${JSON.stringify({ event: "STOP", data: {} })}\n`);
      return { return: "answer\r\n" };
    });

    expect(await withMonitor(folder.path, signal(), (call) => humanCommand(call, "info"))).toBe("answer");
  });

  test("that refuses a command makes a failure with its reason", async () => {
    await using folder = await temporaryFolder();
    await using _qemu = await fakeQemu(folder.path, (command) =>
      command === "cont" ? { error: { class: "GenericError", desc: "not now" } } : { return: {} },
    );

    await expect(withMonitor(folder.path, signal(), (call) => call("cont"))).rejects.toMatchObject({
      code: "MachineMonitorFailed",
      message: expect.stringContaining("not now"),
    });
  });

  test("that goes away makes a failure, not a hang", async () => {
    await using folder = await temporaryFolder();
    await using _qemu = await fakeQemu(folder.path, (command, socket) => {
      if (command === "cont") socket.destroy();
      return { return: {} };
    });

    await expect(withMonitor(folder.path, signal(), (call) => call("cont"))).rejects.toMatchObject({
      code: "MachineMonitorFailed",
    });
  });

  test("that nobody listens at is a system error", async () => {
    await using folder = await temporaryFolder();

    await expect(withMonitor(folder.path, signal(), (call) => call("cont"))).rejects.toMatchObject({
      code: "ENOENT",
    });
  });
});

/** Greets and answers as QMP does. */
async function fakeQemu(run: string, answer: (command: string, socket: Socket) => object) {
  await mkdir(run, { recursive: true });
  const commands: string[] = [];
  const server: Server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.write(`${JSON.stringify({ QMP: { version: {}, capabilities: [] } })}\n`);
    createInterface({ input: socket }).on("line", (line) => {
      const command = String(JSON.parse(line).execute);
      commands.push(command);
      const reply = command === "qmp_capabilities" ? { return: {} } : answer(command, socket);
      if (socket.writable) socket.write(`${JSON.stringify(reply)}\n`);
    });
  });
  // A relative path, as QEMU uses: the absolute one may be too long.
  const before = process.cwd();
  process.chdir(run);
  await new Promise<void>((resolve) => {
    server.listen("monitor.sock", () => resolve());
  });
  process.chdir(before);
  return {
    commands,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
