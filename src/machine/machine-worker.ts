import { Failure } from "../diagnostics/failure.ts";
import type { LaunchRequest, PortMapping, SandboxDescription, Worker } from "../worker/worker.ts";
import { guestWorkerPort } from "./guest-scripts.ts";
import type { Machine } from "./machine.ts";
import type { PortForwarding } from "./port-forwarding.ts";

/** Stands in for the machine's port of the worker itself when a sandbox wants that one. */
const substitutePort = 17_070;

/**
 * The worker inside the machine, with the two things that differ from a worker on this host: a published port
 * has to be opened on this host as well, and this host's folders are not there to be mounted.
 */
export function machineWorker(inner: Worker, machine: Machine): Worker {
  const closePorts = async (name: string, signal: AbortSignal): Promise<void> => {
    const sandboxes = await inner.listSandboxes(signal);
    const ports = sandboxes.find((sandbox) => sandbox.name === name)?.ports ?? [];
    if (ports.length === 0) return;
    const open = await openForwardings(machine, signal);
    for (const port of ports) {
      for (const one of open) if (leadsTo(one, port)) await machine.unforwardPort(one, signal);
    }
  };
  return {
    describe: (signal) => inner.describe(signal),
    findImages: (digests, signal) => inner.findImages(digests, signal),
    importImage: (image, layout, signal) => inner.importImage(image, layout, signal),
    findLayers: (keys, signal) => inner.findLayers(keys, signal),
    runLineage: (request, client, signal) => inner.runLineage(request, client, signal),
    publishSnapshot: (request, signal) => inner.publishSnapshot(request, signal),
    listSnapshots: (signal) => inner.listSnapshots(signal),
    inspectSnapshot: (name, signal) => inner.inspectSnapshot(name, signal),
    removeSnapshot: (name, signal) => inner.removeSnapshot(name, signal),
    readLog: (key, signal) => inner.readLog(key, signal),
    findDebugLayer: (keys, signal) => inner.findDebugLayer(keys, signal),
    prune: (request, signal) => inner.prune(request, signal),
    listVolumes: (signal) => inner.listVolumes(signal),
    ensureVolume: (request, signal) => inner.ensureVolume(request, signal),
    removeVolume: (name, signal) => inner.removeVolume(name, signal),
    launchSandbox: async (request, signal) => {
      if (request.replace) await closePorts(request.name, signal);
      return await launch(inner, machine, request, signal);
    },
    execInSandbox: (request, streams, signal) => inner.execInSandbox(request, streams, signal),
    listSandboxes: async (signal) => withPortsOfThisHost(machine, await inner.listSandboxes(signal), signal),
    stopSandbox: async (name, signal) => {
      await closePorts(name, signal);
      await inner.stopSandbox(name, signal);
    },
    removeSandbox: async (name, options, signal) => {
      await closePorts(name, signal);
      await inner.removeSandbox(name, options, signal);
    },
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

async function launch(
  inner: Worker,
  machine: Machine,
  request: LaunchRequest,
  signal: AbortSignal,
): Promise<SandboxDescription> {
  refuseBindMounts(request);
  const opened: PortForwarding[] = [];
  try {
    // First, so that a port that is in use on this host is found out before anything boots.
    for (const port of request.ports) opened.push(await machine.forwardPort(forwardingOf(port), signal));
    const ports = request.ports.map((port) => ({
      ...port,
      hostAddress: "0.0.0.0",
      hostPort: machinePort(port),
    }));
    const sandbox = await inner.launchSandbox({ ...request, ports }, signal);
    return { ...sandbox, ports: request.ports };
  } catch (error) {
    for (const forwarding of opened) await machine.unforwardPort(forwarding, AbortSignal.timeout(5_000));
    throw error;
  }
}

function refuseBindMounts(request: LaunchRequest): void {
  const bind = request.mounts.find((mount) => mount.kind === "bind");
  if (bind === undefined) return;
  throw new Failure({
    code: "FolderNotShared",
    category: "usage",
    message: `${bind.hostPath} cannot be mounted: this host's folders are not shared with the machine`,
    hint: "put the files into the snapshot with COPY, or keep them in a named volume: -v NAME:PATH",
  });
}

/** The port of the machine that stands between a port of this host and one of the sandbox. */
function machinePort(port: PortMapping): number {
  return port.hostPort === guestWorkerPort ? substitutePort : port.hostPort;
}

function forwardingOf(port: PortMapping): PortForwarding {
  return {
    hostAddress: port.hostAddress,
    hostPort: port.hostPort,
    guestPort: machinePort(port),
    protocol: port.protocol,
  };
}

/** Sandboxes as this host sees them: with the ports that are open here instead of those of the machine. */
async function withPortsOfThisHost(
  machine: Machine,
  sandboxes: readonly SandboxDescription[],
  signal: AbortSignal,
): Promise<readonly SandboxDescription[]> {
  if (sandboxes.every(({ ports }) => ports.length === 0)) return sandboxes;
  const open = await openForwardings(machine, signal);
  return sandboxes.map((sandbox) => ({
    ...sandbox,
    ports: sandbox.ports.flatMap((port) =>
      open
        .filter((one) => leadsTo(one, port))
        .map(({ hostAddress, hostPort }) => ({ ...port, hostAddress, hostPort })),
    ),
  }));
}

async function openForwardings(machine: Machine, signal: AbortSignal): Promise<readonly PortForwarding[]> {
  const status = await machine.status(signal);
  return status.state === "not-installed" || status.state === "stopped" ? [] : status.forwardings;
}

/** Whether a port of this host leads to a sandbox's port as the worker in the machine knows it. */
function leadsTo(open: PortForwarding, port: PortMapping): boolean {
  return open.guestPort === port.hostPort && open.protocol === port.protocol;
}
