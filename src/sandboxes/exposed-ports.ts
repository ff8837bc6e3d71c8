import { randomInt } from "node:crypto";
import { Failure } from "../diagnostics/failure.ts";
import type { LaunchRequest, PortMapping, SandboxDescription, Worker } from "../worker/worker.ts";

/** The range that IANA leaves to whoever needs a port for a while. */
const firstDynamicPort = 49_152;
const lastDynamicPort = 65_535;

/** Another program may have a port that was chosen; that all of this many choices are taken is no accident. */
const attempts = 5;

/** `-P`: the ports that EXPOSE names, each at a free port of 127.0.0.1. Other protocols than TCP and UDP have none. */
function publishExposed(exposed: readonly string[]): readonly PortMapping[] {
  const taken = new Set<number>();
  return exposed.flatMap((written): PortMapping[] => {
    const [port, protocol] = written.split("/");
    if (protocol !== "tcp" && protocol !== "udp") return [];
    const hostPort = dynamicPortBesides(taken);
    return [{ hostAddress: "127.0.0.1", hostPort, guestPort: Number(port), protocol }];
  });
}

function dynamicPortBesides(taken: Set<number>): number {
  for (;;) {
    const port = randomInt(firstDynamicPort, lastDynamicPort + 1);
    if (taken.has(port)) continue;
    taken.add(port);
    return port;
  }
}

/**
 * Launches with ports chosen for all that the snapshot exposes, and chooses again when one turns out to be taken.
 * @throws Failure as `Worker.inspectSnapshot` and `Worker.launchSandbox` do
 */
export async function launchWithExposedPorts(
  worker: Worker,
  request: LaunchRequest & { readonly from: { readonly kind: "snapshot"; readonly name: string } },
  signal: AbortSignal,
): Promise<SandboxDescription> {
  const { configuration } = await worker.inspectSnapshot(request.from.name, signal);
  const named = new Set(request.ports.map(({ guestPort, protocol }) => `${guestPort}/${protocol}`));
  const exposed = configuration.exposedPorts.filter((port) => !named.has(port));
  for (let attempt = 1; ; attempt += 1) {
    try {
      const ports = [...request.ports, ...publishExposed(exposed)];
      return await worker.launchSandbox({ ...request, ports }, signal);
    } catch (error) {
      const mayTryAgain = error instanceof Failure && error.code === "PortInUse" && attempt < attempts;
      if (!mayTryAgain) throw error;
    }
  }
}
