import { mkdir, statfs } from "node:fs/promises";
import { release, tmpdir } from "node:os";
import { Failure } from "../diagnostics/failure.ts";
import { readCertificates } from "./certificates.ts";
import { findProgram } from "./external-command.ts";
import { readVirtualizationFacts, type VirtualizationFacts } from "./host-virtualization.ts";
import { readInstallation } from "./machine-installation.ts";
import { machinePaths } from "./machine-paths.ts";
import { hostCapacity } from "./machine-resources.ts";
import { microsandboxPackages, platformPackageName } from "./microsandbox-packages.ts";
import { type ProbeOptions, probeVirtualization } from "./probe.ts";

/** One thing that lightbox looks at on this host. */
export interface HostCheck {
  readonly name: string;
  /** `missing`: lightbox cannot bake here until it is mended. */
  readonly status: "ok" | "missing" | "warning";
  readonly detail: string;
  /** The exact command that mends it; null when nothing needs or no command can. */
  readonly mend: string | null;
}

export interface ExamineOptions extends ProbeOptions {
  /** Folder with lightbox' `package.json`. */
  readonly packageDirectory: string;
}

const leastNodeVersion = [22, 12] as const;
const installMachineCommand = "lightbox machine init";

/** Looks at everything that a bake needs on this host. Boots a probe where virtualization has to be tried. */
export async function examineHost(
  options: ExamineOptions,
  signal: AbortSignal,
): Promise<readonly HostCheck[]> {
  const facts = options.facts ?? (await readVirtualizationFacts());
  const virtualization = await checkVirtualization({ ...options, facts }, signal);
  const machineNeeded = virtualization.status !== "ok";
  await mkdir(options.home, { recursive: true });
  return [
    checkNode(process.versions.node),
    checkPlatform(facts),
    virtualization,
    ...(await checkMachine(options.home, facts, machineNeeded)),
    await checkRuntime(options.packageDirectory, facts),
    await checkCertificates(),
    await checkFreeSpace(options.home),
    // In the machine, temporary files are on its own disk.
    ...(machineNeeded ? [] : [await checkTemporaryFolder(tmpdir(), facts)]),
    checkMemory(hostCapacity().memoryMib, machineNeeded),
  ];
}

/** @param version e.g. `22.12.0` */
export function checkNode(version: string): HostCheck {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [leastMajor, leastMinor] = leastNodeVersion;
  const isRecent = major > leastMajor || (major === leastMajor && minor >= leastMinor);
  return {
    name: "Node.js",
    status: isRecent ? "ok" : "missing",
    detail: isRecent ? version : `${version}; lightbox needs ${leastMajor}.${leastMinor} or newer`,
    mend: isRecent ? null : "npm install --global node@lts",
  };
}

export function checkPlatform({ platform, architecture }: VirtualizationFacts): HostCheck {
  const isSupported = platformPackageName(platform, architecture) !== undefined;
  const detail = `${platform} ${architecture}`;
  return isSupported
    ? { name: "platform", status: "ok", detail, mend: null }
    : { name: "platform", status: "missing", detail: `${detail} has no microVM runtime`, mend: null };
}

async function checkVirtualization(
  options: ExamineOptions & { readonly facts: VirtualizationFacts },
  signal: AbortSignal,
): Promise<HostCheck> {
  const name = "hardware virtualization";
  try {
    const { isUsable, reason, decidedBy } = await probeVirtualization(options, signal);
    const detail = decidedBy === "memory" ? `${reason} (remembered; --force tries again)` : reason;
    if (isUsable) return { name, status: "ok", detail, mend: null };
    return { name, status: "warning", detail, mend: mendVirtualization(options.facts) };
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "ProbeNotPossible") throw error;
    return { name, status: "warning", detail: error.message, mend: null };
  }
}

/** What can be mended by a command; where the processor lacks the ability, the machine is the way. */
export function mendVirtualization(facts: VirtualizationFacts): string | null {
  if (facts.platform !== "linux") return null;
  if (facts.device.kind === "forbidden") return "sudo usermod -aG kvm $USER # then log in again";
  if (facts.device.kind === "present") return null;
  if (facts.cpuFlags.includes("vmx")) return "sudo modprobe kvm_intel";
  if (facts.cpuFlags.includes("svm")) return "sudo modprobe kvm_amd";
  return null;
}

async function checkMachine(
  home: string,
  facts: VirtualizationFacts,
  isNeeded: boolean,
): Promise<readonly HostCheck[]> {
  if (facts.platform !== "linux" || facts.architecture !== "x64") return [];
  const installation = await readInstallation(machinePaths(home));
  const part = (name: string, found: string | undefined): HostCheck => {
    if (found !== undefined) return { name, status: "ok", detail: found, mend: null };
    if (!isNeeded) return { name, status: "ok", detail: "not installed, and not needed here", mend: null };
    return { name, status: "missing", detail: "not installed", mend: installMachineCommand };
  };
  const [qemu, mke2fs] = await Promise.all([findProgram("qemu-system-x86_64"), findProgram("mke2fs")]);
  const kernel = installation?.kernel;
  return [
    part("machine: QEMU", qemu && (installation?.qemu.version ?? qemu)),
    part("machine: mke2fs", mke2fs && (installation?.mke2fs.version ?? mke2fs)),
    part("machine: kernel", kernel && `${kernel.release} (${kernel.package} ${kernel.version})`),
    part(
      "machine: busybox",
      installation && `${installation.busybox.version} at ${installation.busybox.path}`,
    ),
  ];
}

async function checkRuntime(packageDirectory: string, facts: VirtualizationFacts): Promise<HostCheck> {
  const name = "microsandbox";
  const wanted = platformPackageName(facts.platform, facts.architecture);
  if (wanted === undefined)
    return { name, status: "missing", detail: "has no package for this platform", mend: null };
  try {
    const { platform } = await microsandboxPackages(packageDirectory, wanted);
    return { name, status: "ok", detail: platform, mend: null };
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "MicrosandboxPackageMissing") throw error;
    return {
      name,
      status: "missing",
      detail: error.message,
      mend: `npm install --no-save microsandbox ${wanted}`,
    };
  }
}

async function checkCertificates(): Promise<HostCheck> {
  const { origin } = await readCertificates();
  return { name: "CA certificates", status: "ok", detail: `from ${origin}`, mend: null };
}

async function checkFreeSpace(home: string): Promise<HostCheck> {
  const { bavail, bsize } = await statfs(home);
  return judgeFreeSpace(bavail * bsize, home);
}

export function judgeFreeSpace(freeBytes: number, folder: string): HostCheck {
  const gib = freeBytes / 2 ** 30;
  return {
    name: "free disk space",
    status: gib < 1 ? "missing" : gib < 10 ? "warning" : "ok",
    detail: `${gib.toFixed(1)} GiB where ${folder} is`,
    mend: gib < 10 ? "lightbox prune" : null,
  };
}

/** Magic numbers of file systems, from statfs(2). */
const fileSystems: Readonly<Record<number, string>> = {
  61267: "ext4",
  1481003842: "xfs",
  2435016766: "btrfs",
  16914836: "tmpfs",
};

async function checkTemporaryFolder(folder: string, facts: VirtualizationFacts): Promise<HostCheck> {
  const { type } = await statfs(folder);
  return judgeTemporaryFolder(folder, facts.platform === "linux" ? type : undefined, release());
}

/**
 * Sandboxes share files with the runtime through user xattrs in the temporary folder. Node.js cannot set one,
 * so the file system's kind has to tell: tmpfs has them since Linux 6.6.
 */
export function judgeTemporaryFolder(
  folder: string,
  fileSystem: number | undefined,
  kernelRelease: string,
): HostCheck {
  const name = "temporary folder";
  if (fileSystem === undefined) return { name, status: "ok", detail: folder, mend: null };
  const kind = fileSystems[fileSystem];
  if (kind === undefined) {
    const detail = `${folder}: cannot tell whether its file system (0x${fileSystem.toString(16)}) keeps user xattrs`;
    return { name, status: "warning", detail, mend: "export TMPDIR=/var/tmp" };
  }
  const [major = 0, minor = 0] = kernelRelease.split(".").map(Number);
  if (kind === "tmpfs" && (major < 6 || (major === 6 && minor < 6))) {
    const detail = `${folder} is a tmpfs, which keeps no user xattrs on Linux ${kernelRelease}`;
    return { name, status: "missing", detail, mend: "export TMPDIR=/var/tmp" };
  }
  return { name, status: "ok", detail: `${folder} (${kind})`, mend: null };
}

export function checkMemory(memoryMib: number, machineNeeded: boolean): HostCheck {
  const leastMib = machineNeeded ? 4096 : 2048;
  const detail = `${(memoryMib / 1024).toFixed(1)} GiB`;
  if (memoryMib >= leastMib) return { name: "memory", status: "ok", detail, mend: null };
  const wanted = machineNeeded ? "with the machine, 4 GiB are advised" : "2 GiB are advised";
  const mend = machineNeeded
    ? `export LIGHTBOX_MACHINE_MEMORY=${Math.max(1024, Math.floor(memoryMib * 0.6))}`
    : null;
  return { name: "memory", status: "warning", detail: `${detail}; ${wanted}`, mend };
}
