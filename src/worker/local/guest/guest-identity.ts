import { randomBytes } from "node:crypto";
import type { MicroVm } from "../microvm/micro-vm.ts";
import { startGuestRun } from "./guest-run.ts";
import { rootOwner } from "./users.ts";

/**
 * What must differ between sandboxes of one snapshot, made anew when a sandbox is launched: the machine-id
 * where the image has one, and ssh's host keys where it has the server.
 */
export async function renewGuestIdentity(vm: MicroVm): Promise<void> {
  await Promise.all([renewMachineId(vm), renewSshHostKeys(vm)]);
}

const machineIdPaths = ["/etc/machine-id", "/var/lib/dbus/machine-id"] as const;

async function renewMachineId(vm: MicroVm): Promise<void> {
  const machineId = randomBytes(16).toString("hex");
  for (const path of machineIdPaths) {
    const found = await vm.files.lstatIfExists(path);
    if (found?.kind === "file") await vm.files.writeFile(path, found.mode, Buffer.from(`${machineId}\n`));
  }
}

const sshDirectory = "/etc/ssh";
const hostKeyFile = /\/ssh_host_\w+_key(\.pub)?$/;

async function renewSshHostKeys(vm: MicroVm): Promise<void> {
  if ((await vm.files.statIfExists(sshDirectory))?.kind !== "directory") return;
  const keys = (await vm.files.list(sshDirectory)).filter(({ path }) => hostKeyFile.test(path));
  if (keys.length === 0) return;
  await Promise.all(keys.map(({ path }) => vm.files.removeFile(path)));
  const generate = await startGuestRun(vm, {
    argv: ["ssh-keygen", "-A"],
    environment: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
    identity: { ...rootOwner, furtherGroupIds: [], home: "/root" },
    directory: "/",
    network: "default",
    endsOthers: false,
    terminal: null,
  });
  await generate.endInput();
  // Without ssh-keygen the server has no keys rather than keys that other sandboxes have too.
  for await (const event of generate) if (event.kind === "exited") return;
}
