import { access, constants } from "node:fs/promises";
import { createServer } from "node:net";
import { Failure, systemErrorCode } from "../../../diagnostics/failure.ts";
import { isMissing } from "../../../model/present-files.ts";
import { listenFailure } from "../../listen-failure.ts";
import type { LaunchRequest, Mount, PortMapping } from "../../worker.ts";
import type { SandboxBuilder } from "../microvm/microsandbox.ts";
import { checkSandboxName } from "./sandbox-record.ts";

/** A mount with the folder of this host that it shows. */
export interface ResolvedMount {
  readonly guestPath: string;
  readonly hostPath: string;
  readonly readOnly: boolean;
}

/** @throws Failure `PortInUse`, `AddressNotAllowed` */
export async function checkPortsFree(ports: readonly PortMapping[]): Promise<void> {
  for (const port of ports) if (port.protocol === "tcp") await checkPortFree(port);
}

async function checkPortFree({ hostAddress, hostPort }: PortMapping): Promise<void> {
  const server = createServer();
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject);
  server.listen({ host: hostAddress, port: hostPort, exclusive: true }, listening.resolve);
  try {
    await listening.promise;
  } catch (error) {
    const otherPortHint =
      "publish the sandbox's port under another one, e.g. `-p 127.0.0.1:18080:80`, or end that program";
    throw listenFailure(error, { address: hostAddress, port: hostPort, otherPortHint }) ?? error;
  } finally {
    server.close();
  }
}

/** @throws Failure `MountSourceNotFound`, `MountSourceUnreadable`, `SandboxNameRefused` for a volume's name */
export async function checkMounts(mounts: readonly Mount[]): Promise<void> {
  for (const mount of mounts) {
    if (mount.kind === "bind") await requireSource(mount.hostPath);
    else checkSandboxName(mount.volume, "volume");
  }
}

export function volumesOf(mounts: readonly Mount[]): readonly string[] {
  return [...new Set(mounts.flatMap((mount) => (mount.kind === "volume" ? [mount.volume] : [])))];
}

/** @param volumeFolders of the volumes that are mounted, by name */
export function resolveMounts(
  mounts: readonly Mount[],
  volumeFolders: ReadonlyMap<string, string>,
): readonly ResolvedMount[] {
  return mounts.map(({ guestPath, readOnly, ...mount }) => {
    const hostPath = mount.kind === "bind" ? mount.hostPath : volumeFolders.get(mount.volume);
    if (hostPath === undefined) throw new Error(`internal error: nothing holds what ${guestPath} shows`);
    return { guestPath, readOnly, hostPath };
  });
}

async function requireSource(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    if (isMissing(error)) {
      throw new Failure({
        code: "MountSourceNotFound",
        category: "usage",
        message: `${path} does not exist on the worker's host`,
        hint: "make the folder first, or mount a volume by its name",
        cause: error,
      });
    }
    throw new Failure({
      code: "MountSourceUnreadable",
      category: "usage",
      message: `${path} cannot be mounted: the worker cannot read it (${code})`,
      hint: "give the user that the worker runs as access to it and to the folders above it",
      cause: error,
    });
  }
}

/** Ports, mounts and lifetime of a sandbox, in the SDK's words. */
export function applySandboxOptions(
  builder: SandboxBuilder,
  request: LaunchRequest,
  mounts: readonly ResolvedMount[],
): void {
  for (const { hostAddress, hostPort, guestPort, protocol } of request.ports) {
    if (protocol === "tcp") builder.portBind(hostAddress, hostPort, guestPort);
    else builder.portUdpBind(hostAddress, hostPort, guestPort);
  }
  for (const { guestPath, hostPath, readOnly } of mounts) {
    builder.volume(guestPath, (mount) => {
      const bound = mount.bind(hostPath);
      return readOnly ? bound.readonly() : bound;
    });
  }
  if (request.idleTimeoutSeconds !== null) {
    builder.idleTimeout(request.idleTimeoutSeconds).ephemeral(true);
  }
}
