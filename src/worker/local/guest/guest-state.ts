import { guestErrno } from "../microvm/guest-file.ts";
import type { GuestFiles } from "../microvm/guest-files.ts";

/** What a step can leave behind in the guest's memory, as far as the kernel shows it in a file. */
const kernelFiles = [
  "/proc/mounts",
  "/proc/swaps",
  "/proc/modules",
  "/proc/sys/kernel/hostname",
  "/proc/sys/kernel/domainname",
  "/proc/sys/net/ipv4/ip_forward",
  "/proc/sysvipc/shm",
  "/proc/sysvipc/sem",
  "/proc/sysvipc/msg",
  "/proc/net/route",
] as const;

const memoryDirectories = ["/dev", "/dev/shm", "/sys/fs/cgroup", "/proc/net/dev_snmp6"] as const;

/** The script of a step is ours. */
const ownFiles = /^\/dev\/\.lightbox/;

/** A text that is the same as long as the guest is as its boot left it, files on the root disk apart. */
export async function readGuestState(files: GuestFiles): Promise<string> {
  const parts = await Promise.all([
    ...kernelFiles.map((path) => readIfThere(files, path)),
    ...memoryDirectories.map((path) => listIfThere(files, path)),
  ]);
  return parts.join("\n\n");
}

async function readIfThere(files: GuestFiles, path: string): Promise<string> {
  return orEmpty(async () => (await files.readFile(path)).toString("latin1"));
}

async function listIfThere(files: GuestFiles, path: string): Promise<string> {
  return orEmpty(async () => {
    const entries = (await files.list(path)).filter((entry) => !ownFiles.test(entry.path));
    return entries.map(({ path: at, kind, mode, userId }) => `${at} ${kind} ${mode} ${userId}`).join("\n");
  });
}

async function orEmpty(read: () => Promise<string>): Promise<string> {
  try {
    return await read();
  } catch (error) {
    if (guestErrno(error) === "ENOENT" || guestErrno(error) === "ENOTDIR") return "";
    throw error;
  }
}
