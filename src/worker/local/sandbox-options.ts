import { mkdir, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { Failure, systemErrorCode } from "../../diagnostics/failure.ts";
import type { LaunchRequest, Mount, PortMapping } from "../worker.ts";
import type { SandboxBuilder } from "./microsandbox.ts";
import { checkSandboxName } from "./sandbox-record.ts";

/** A mount with the folder of this host that it shows. */
export interface ResolvedMount {
  readonly guestPath: string;
  readonly hostPath: string;
  readonly readOnly: boolean;
}

/** @throws Failure `PortInUse` */
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
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    throw new Failure({
      code: code === "EADDRINUSE" ? "PortInUse" : "PortRefused",
      category: "environment",
      message: `port ${hostPort} on ${hostAddress} ${code === "EADDRINUSE" ? "is in use" : `cannot be opened (${code})`}`,
      hint: "publish the sandbox's port under another one, e.g. `-p 127.0.0.1:18080:80`",
      cause: error,
    });
  } finally {
    server.close();
  }
}

/** @throws Failure `MountSourceNotFound`, `SandboxNameRefused` for a volume's name */
export async function resolveMounts(
  mounts: readonly Mount[],
  storeDirectory: string,
): Promise<readonly ResolvedMount[]> {
  return Promise.all(
    mounts.map(async ({ guestPath, readOnly, ...mount }) => {
      if (mount.kind === "bind") {
        await requireDirectory(mount.hostPath);
        return { guestPath, readOnly, hostPath: mount.hostPath };
      }
      checkSandboxName(mount.volume);
      const hostPath = join(storeDirectory, "volumes", mount.volume);
      await mkdir(hostPath, { recursive: true });
      return { guestPath, readOnly, hostPath };
    }),
  );
}

async function requireDirectory(path: string): Promise<void> {
  try {
    await stat(path);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT" && systemErrorCode(error) !== "ENOTDIR") throw error;
    throw new Failure({
      code: "MountSourceNotFound",
      category: "usage",
      message: `${path} does not exist on the worker's host`,
      hint: "make the folder first, or mount a volume by its name",
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
