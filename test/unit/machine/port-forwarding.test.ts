import { describe, expect, test } from "vitest";
import type { MonitorCall } from "../../../src/machine/monitor.ts";
import {
  addForwarding,
  type PortForwarding,
  parseForwardings,
} from "../../../src/machine/port-forwarding.ts";

const listing = [
  "Hub -1 (net0):",
  "  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ",
  "  TCP[ESTABLISHED]   17       127.0.0.1 50000       10.0.2.15  7070     0     0",
  "  TCP[HOST_FORWARD]  15       127.0.0.1 38791       10.0.2.15  7070     0     0",
  "  UDP[HOST_FORWARD]  16               *  5353       10.0.2.15    53     0     0",
].join("\r\n");

describe("forwarded ports", () => {
  test("are read from QEMU's list, connections left out", () => {
    expect(parseForwardings(listing)).toEqual([
      { hostAddress: "127.0.0.1", hostPort: 38791, guestPort: 7070, protocol: "tcp" },
      { hostAddress: "0.0.0.0", hostPort: 5353, guestPort: 53, protocol: "udp" },
    ]);
  });

  test("say which host port the kernel chose", async () => {
    const monitor = fakeMonitor({ chosenPort: 41_000 });
    const wanted = { hostAddress: "127.0.0.1", hostPort: 0, guestPort: 80, protocol: "tcp" } as const;

    expect(await addForwarding(monitor.call, wanted)).toEqual({ ...wanted, hostPort: 41_000 });
    expect(await addForwarding(monitor.call, wanted)).toEqual({ ...wanted, hostPort: 41_001 });
  });

  test("on a port in use fail with QEMU's reason", async () => {
    const monitor = fakeMonitor({ refusal: "could not set up host forwarding rule" });
    const wanted = { hostAddress: "127.0.0.1", hostPort: 80, guestPort: 80, protocol: "tcp" } as const;

    await expect(addForwarding(monitor.call, wanted)).rejects.toMatchObject({
      code: "PortInUse",
      message: expect.stringContaining("127.0.0.1:80"),
    });
  });

  test.each(["::1", "localhost", "127.0.0.1:1-:2 tcp"])(
    "on the address %j never reach QEMU",
    async (hostAddress) => {
      const monitor = fakeMonitor({});
      const wanted: PortForwarding = { hostAddress, hostPort: 80, guestPort: 80, protocol: "tcp" };

      await expect(addForwarding(monitor.call, wanted)).rejects.toMatchObject({ code: "PortNotForwardable" });
      expect(monitor.added).toEqual([]);
    },
  );
});

/** Knows `hostfwd_add` and `info usernet`. */
function fakeMonitor(behaviour: { chosenPort?: number; refusal?: string }) {
  const added: string[] = [];
  const call: MonitorCall = async (_command, parameters) => {
    const line = String(parameters?.["command-line"]);
    const rule = /^hostfwd_add net0 tcp:127\.0\.0\.1:(\d+)-:(\d+)$/.exec(line);
    if (rule === null) return added.join("\r\n");
    if (behaviour.refusal !== undefined) return behaviour.refusal;
    const port = Number(rule[1]) || (behaviour.chosenPort ?? 0) + added.length;
    added.push(`  TCP[HOST_FORWARD]  15  127.0.0.1 ${port}  10.0.2.15  ${rule[2]}  0  0`);
    return "";
  };
  return { call, added };
}
