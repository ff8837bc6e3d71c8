import { once } from "node:events";
import { symlink } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  checkMounts,
  checkPortsFree,
  resolveMounts,
  volumesOf,
} from "../../../../../src/worker/local/sandboxes/sandbox-options.ts";
import type { Mount, PortMapping } from "../../../../../src/worker/worker.ts";
import { temporaryFolder } from "../../../../support/temporary-folder.ts";

function bind(hostPath: string): Mount {
  return { kind: "bind", guestPath: "/data", hostPath, readOnly: true };
}

function published(hostAddress: string, hostPort: number): PortMapping {
  return { hostAddress, hostPort, guestPort: 80, protocol: "tcp" };
}

function volume(name: string, guestPath = "/cache"): Mount {
  return { kind: "volume", guestPath, volume: name, readOnly: false };
}

test("a folder that is there is mounted, and a volume's folder", async () => {
  await using folder = await temporaryFolder();
  const mounts = [bind(folder.path), volume("cache"), volume("cache", "/again")];
  await checkMounts(mounts);
  expect(volumesOf(mounts)).toEqual(["cache"]);
  expect(resolveMounts(mounts, new Map([["cache", "/store/cache"]]))).toEqual([
    { guestPath: "/data", hostPath: folder.path, readOnly: true },
    { guestPath: "/cache", hostPath: "/store/cache", readOnly: false },
    { guestPath: "/again", hostPath: "/store/cache", readOnly: false },
  ]);
  await expect(checkMounts([volume("../cache")])).rejects.toMatchObject({ code: "SandboxNameRefused" });
});

test("a folder that is missing and one that cannot be read are told apart", async () => {
  await using folder = await temporaryFolder();
  const missing = join(folder.path, "missing");
  await expect(checkMounts([bind(missing)])).rejects.toMatchObject({
    code: "MountSourceNotFound",
    category: "usage",
  });
  const loop = join(folder.path, "loop");
  await symlink("loop", loop);
  await expect(checkMounts([bind(loop)])).rejects.toMatchObject({
    code: "MountSourceUnreadable",
    category: "usage",
    message: expect.stringContaining("ELOOP"),
  });
});

test("a published port that is in use and an address of another host are told apart", async () => {
  await using server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await expect(checkPortsFree([published("127.0.0.1", port)])).rejects.toMatchObject({
    code: "PortInUse",
    message: `another program listens on 127.0.0.1:${port}`,
  });
  // A documentation address (RFC 5737), which no host has.
  await expect(checkPortsFree([published("192.0.2.1", port)])).rejects.toMatchObject({
    code: "AddressNotAllowed",
    message: `the system does not let lightbox listen on 192.0.2.1:${port} (EADDRNOTAVAIL)`,
  });
});
