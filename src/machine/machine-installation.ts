import { access, readFile } from "node:fs/promises";
import * as v from "valibot";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import type { MachinePaths } from "./machine-paths.ts";

const InstallationFile = v.object({
  formatVersion: v.literal(1),
  installedAt: v.string(),
  qemu: v.object({ path: v.string(), version: v.string() }),
  kernel: v.object({
    package: v.string(),
    version: v.string(),
    release: v.string(),
    image: v.string(),
    modulesDirectory: v.string(),
  }),
  busybox: v.object({ path: v.string(), version: v.string() }),
  mke2fs: v.object({ path: v.string(), version: v.string() }),
});

/** What the machine is made of on this host, with the versions that `lightbox machine init` found. */
export type MachineInstallation = v.InferOutput<typeof InstallationFile>;

/** Undefined when `lightbox machine init` has not run, or wrote a format that this version does not know. */
export async function readInstallation(paths: MachinePaths): Promise<MachineInstallation | undefined> {
  try {
    const parsed = v.safeParse(InstallationFile, JSON.parse(await readFile(paths.installation, "utf8")));
    return parsed.success ? parsed.output : undefined;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** @throws Failure `MachineNotInstalled` */
export async function requireInstallation(paths: MachinePaths): Promise<MachineInstallation> {
  const installation = await readInstallation(paths);
  if (installation !== undefined && (await isComplete(installation))) return installation;
  throw new Failure({
    code: "MachineNotInstalled",
    category: "environment",
    message:
      "this host has no usable hardware virtualization, and lightbox' machine is not (or no longer completely) installed",
    hint: "run `lightbox machine init` once: it fetches QEMU and a kernel from Debian packages",
  });
}

/** False when a program has been uninstalled, or a fetched package removed, since. */
async function isComplete({ qemu, kernel, busybox, mke2fs }: MachineInstallation): Promise<boolean> {
  try {
    const needed = [qemu.path, kernel.image, kernel.modulesDirectory, busybox.path, mke2fs.path];
    await Promise.all(needed.map((path) => access(path)));
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return false;
    throw error;
  }
}

/** @throws Failure `MachineUnsupportedHost`: the machine is for Linux on x86_64 only. */
export function requireMachineHost(platform: string = process.platform, arch: string = process.arch): void {
  if (platform === "linux" && arch === "x64") return;
  throw new Failure({
    code: "MachineUnsupportedHost",
    category: "environment",
    message: `the machine runs on Linux x86_64 only, not on ${platform} ${arch}`,
    hint:
      platform === "darwin"
        ? "on macOS, lightbox uses Hypervisor.framework, which needs Apple silicon"
        : "use a host with hardware virtualization, or a remote worker: LIGHTBOX_HOST=http://HOST:PORT",
  });
}
