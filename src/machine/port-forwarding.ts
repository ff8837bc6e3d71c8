import { isIP } from "node:net";
import { Failure } from "../diagnostics/failure.ts";
import { humanCommand, type MonitorCall } from "./monitor.ts";
import { networkId } from "./qemu-command.ts";

/** A port of this host that leads to a port of the machine. */
export interface PortForwarding {
  /** IPv4, e.g. `127.0.0.1`. */
  readonly hostAddress: string;
  readonly hostPort: number;
  /** On the machine's address; what listens there must not be bound to the machine's loopback only. */
  readonly guestPort: number;
  readonly protocol: "tcp" | "udp";
}

/**
 * Opens a port. Host port 0 lets the kernel choose; the port that it chose is in the result.
 *
 * @throws Failure `PortInUse`, `PortNotForwardable`
 */
export async function addForwarding(call: MonitorCall, wanted: PortForwarding): Promise<PortForwarding> {
  const before = await listForwardings(call);
  checkAddress(wanted.hostAddress);
  const answer = await humanCommand(call, `hostfwd_add ${networkId} ${hostEnd(wanted)}-:${wanted.guestPort}`);
  if (answer !== "") {
    throw new Failure({
      code: "PortInUse",
      category: "environment",
      message: `cannot listen on ${wanted.hostAddress}:${wanted.hostPort}/${wanted.protocol} of this host: ${answer}`,
      hint: "choose another host port, or end what uses this one",
    });
  }
  const added = (await listForwardings(call)).find(
    (one) =>
      one.guestPort === wanted.guestPort &&
      one.protocol === wanted.protocol &&
      (wanted.hostPort === 0 ? !before.some((old) => same(old, one)) : one.hostPort === wanted.hostPort),
  );
  if (added === undefined) throw new Error(`internal error: QEMU does not list ${JSON.stringify(wanted)}`);
  return added;
}

/** Closes a port; one that is not open is no error. */
export async function removeForwarding(call: MonitorCall, forwarding: PortForwarding): Promise<void> {
  checkAddress(forwarding.hostAddress);
  await humanCommand(call, `hostfwd_remove ${networkId} ${hostEnd(forwarding)}`);
}

export async function listForwardings(call: MonitorCall): Promise<readonly PortForwarding[]> {
  return parseForwardings(await humanCommand(call, "info usernet"));
}

/** Reads the `[HOST_FORWARD]` lines of `info usernet`. */
export function parseForwardings(text: string): readonly PortForwarding[] {
  const found: PortForwarding[] = [];
  for (const line of text.split("\n")) {
    const fields = /^\s*(TCP|UDP)\[HOST_FORWARD\]\s+\d+\s+(\S+)\s+(\d+)\s+\S+\s+(\d+)/.exec(line);
    if (fields === null) continue;
    const [, protocol, address, hostPort, guestPort] = fields;
    found.push({
      hostAddress: address === "*" ? "0.0.0.0" : (address ?? ""),
      hostPort: Number(hostPort),
      guestPort: Number(guestPort),
      protocol: protocol === "TCP" ? "tcp" : "udp",
    });
  }
  return found;
}

function hostEnd({ protocol, hostAddress, hostPort }: PortForwarding): string {
  return `${protocol}:${hostAddress}:${hostPort}`;
}

function same(left: PortForwarding, right: PortForwarding): boolean {
  return hostEnd(left) === hostEnd(right) && left.guestPort === right.guestPort;
}

function checkAddress(address: string): void {
  if (isIP(address) === 4) return;
  throw new Failure({
    code: "PortNotForwardable",
    category: "usage",
    message: `${JSON.stringify(address)} is not an IPv4 address that the machine can listen on`,
    hint: "use 127.0.0.1, or 0.0.0.0 for all addresses of this host",
  });
}
