import { readFile, stat } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { shellEndedMark } from "../../src/machine/guest-scripts.ts";
import type { Machine } from "../../src/machine/machine.ts";
import type { MachineEndpoint } from "../../src/machine/machine-endpoint.ts";
import type { MachineEvent } from "../../src/machine/machine-events.ts";
import { machinePaths } from "../../src/machine/machine-paths.ts";
import { processesNaming } from "../support/host-processes.ts";
import { type MachineRig, makeMachineRig } from "./machine-rig.ts";

const canRun = process.platform === "linux" && process.arch === "x64";
const signal = () => AbortSignal.timeout(110_000);

describe.skipIf(!canRun)("the machine", { timeout: 120_000 }, () => {
  let rig: MachineRig;
  let machine: Machine;

  beforeAll(async () => {
    rig = await makeMachineRig();
    machine = rig.openMachine();
  }, 360_000);

  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
    expect(await processesNaming(rig.home)).toEqual([]);
  }, 120_000);

  test("two that start it at once get the same one", async () => {
    const events: MachineEvent["kind"][] = [];
    const start = () => rig.openMachine().ensureRunning(signal(), (event) => events.push(event.kind));
    const [first, second] = await Promise.all([start(), start()]);

    expect(second).toEqual(first);
    expect(events.filter((kind) => kind === "booting")).toHaveLength(1);
    expect(await processesNaming(rig.home)).toHaveLength(1);
  });

  test("its worker serves whoever has the token, and the token is on no command line", async () => {
    const endpoint = await machine.ensureRunning(signal());
    const [pid] = await processesNaming(rig.home);

    expect(JSON.parse(await ask(endpoint, "/version"))).toContain("/data/store");
    expect((await fetch(`${endpoint.url}/version`)).status).toBe(401);
    expect(await readFile(`/proc/${pid}/cmdline`, "utf8")).not.toContain(endpoint.token);
    expect((await stat(machinePaths(rig.home).state)).mode & 0o077).toBe(0);
    expect((await stat(machinePaths(rig.home).guestSettings)).mode & 0o077).toBe(0);
  });

  test("it has a KVM device, and temporary files on its own disk", async () => {
    const endpoint = await machine.ensureRunning(signal());

    expect(JSON.parse(await ask(endpoint, "/facts"))).toMatchObject({ kvm: true, tmp: "/data/tmp" });
  });

  test("a forwarded port reaches the machine until it is taken back", async () => {
    await machine.ensureRunning(signal());
    const wanted = { hostAddress: "127.0.0.1", hostPort: 0, guestPort: 8080, protocol: "tcp" } as const;
    const open = await machine.forwardPort(wanted, signal());
    const address = `http://127.0.0.1:${open.hostPort}`;

    expect(await (await fetch(address, newConnection)).text()).toBe("published");
    expect(await machine.status(signal())).toMatchObject({ state: "running", forwardings: [open] });
    await expect(machine.forwardPort({ ...wanted, hostPort: open.hostPort }, signal())).rejects.toMatchObject(
      {
        code: "PortInUse",
      },
    );

    await machine.unforwardPort(open, signal());
    await expect(fetch(address, newConnection)).rejects.toThrow();
  });

  test("its shell answers, and says when it has ended", async () => {
    await machine.ensureRunning(signal());
    const socket = await machine.openShell(signal());
    let seen = "";
    try {
      socket.write("echo six times seven is $((6 * 7))\nexit\n");
      for await (const chunk of socket) {
        seen += String(chunk);
        if (seen.includes(shellEndedMark)) break;
      }
    } finally {
      socket.destroy();
    }

    expect(seen).toContain("six times seven is 42");
  });

  test("a worker that crashes is started again", async () => {
    const endpoint = await machine.ensureRunning(signal());
    const { pid } = JSON.parse(await ask(endpoint, "/facts"));
    await ask(endpoint, "/crash");
    await untilGone(endpoint);
    const again = await machine.ensureRunning(signal());

    expect(again).toEqual(endpoint);
    expect(JSON.parse(await ask(again, "/facts")).pid).not.toBe(pid);
  });

  test("what was written is there after QEMU is killed", async () => {
    const endpoint = await machine.ensureRunning(signal());
    await ask(endpoint, "/write/before-the-kill");
    const status = await machine.status(signal());
    if (status.state !== "running") throw new Error(`the machine is ${status.state}`);
    process.kill(status.pid, "SIGKILL");
    const again = await machine.ensureRunning(signal());

    expect(await ask(again, "/read")).toBe("before-the-kill");
    expect(again.token).not.toBe(endpoint.token);
  });

  test("it powers off in order, and keeps its data", async () => {
    const endpoint = await machine.ensureRunning(signal());
    await ask(endpoint, "/write/before-the-stop");

    expect(await machine.stop(signal())).toBe(true);
    expect(await machine.readConsole()).toContain("lightbox: powered off");
    expect(await machine.status(signal())).toMatchObject({ state: "stopped" });
    expect(await machine.findRunning()).toBeUndefined();
    expect(await machine.stop(signal())).toBe(false);
    await expect(machine.openShell(signal())).rejects.toMatchObject({ code: "MachineNotRunning" });

    expect(await ask(await machine.ensureRunning(signal()), "/read")).toBe("before-the-stop");
  });

  test("a worker that ends because it is idle takes the machine with it; the next start is a fresh boot", async () => {
    const endpoint = await machine.ensureRunning(signal());
    await ask(endpoint, "/idle");
    const events: MachineEvent["kind"][] = [];
    const again = await machine.ensureRunning(signal(), (event) => events.push(event.kind));

    expect(events).toContain("booting");
    expect(again.token).not.toBe(endpoint.token);
  });

  test("a worker that cannot start ends the machine, and the failure shows what it said", async () => {
    await ask(await machine.ensureRunning(signal()), "/break");
    await machine.stop(signal());

    await expect(machine.ensureRunning(signal())).rejects.toMatchObject({
      code: "MachineDidNotStart",
      message: expect.stringMatching(/the worker cannot start(.|\n)*giving up on the worker/),
    });
    expect(await processesNaming(rig.home)).toEqual([]);
  });

  test("removing it deletes its data", async () => {
    await machine.remove(signal());
    const fresh = await machine.ensureRunning(signal());

    expect(await ask(fresh, "/read")).toBe("");
  });
});

/** Connections that are open outlive the forwarding. */
const newConnection: RequestInit = { headers: { connection: "close" } };

function authorized({ token }: MachineEndpoint): RequestInit {
  return { headers: { authorization: `Bearer ${token}` } };
}

async function ask(endpoint: MachineEndpoint, path: string): Promise<string> {
  const response = await fetch(`${endpoint.url}${path}`, authorized(endpoint));
  expect(response.ok).toBe(true);
  return response.text();
}

/** Until the worker's port answers no more. */
async function untilGone(endpoint: MachineEndpoint): Promise<void> {
  for (;;) {
    try {
      await fetch(`${endpoint.url}/version`, authorized(endpoint));
    } catch (error) {
      if (error instanceof TypeError) return; // how fetch says that the connection failed
      throw error;
    }
  }
}
