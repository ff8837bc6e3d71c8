import { constants } from "node:fs";
import { access, readFile, stat } from "node:fs/promises";
import { release } from "node:os";
import { systemErrorCode } from "../diagnostics/failure.ts";

/** The device that microVMs need on Linux; looking at it here never opens it, which may hang. */
export type VirtualizationDevice =
  | { readonly kind: "missing" }
  | { readonly kind: "forbidden" }
  | { readonly kind: "present"; readonly identity: string };

/** What can be known about a host's virtualization without trying it. */
export interface VirtualizationFacts {
  readonly platform: string;
  readonly architecture: string;
  readonly kernelRelease: string;
  readonly device: VirtualizationDevice;
  /** Those of `vmx` and `svm` that `/proc/cpuinfo` lists. */
  readonly cpuFlags: readonly string[];
}

export const kvmDevice = "/dev/kvm";

export async function readVirtualizationFacts(): Promise<VirtualizationFacts> {
  const isLinux = process.platform === "linux";
  return {
    platform: process.platform,
    architecture: process.arch,
    kernelRelease: release(),
    device: isLinux ? await lookAtDevice() : { kind: "missing" },
    cpuFlags: isLinux ? parseCpuFlags(await readFile("/proc/cpuinfo", "utf8")) : [],
  };
}

async function lookAtDevice(): Promise<VirtualizationDevice> {
  try {
    const found = await stat(kvmDevice);
    await access(kvmDevice, constants.R_OK | constants.W_OK);
    return { kind: "present", identity: `${found.rdev}:${found.ino}:${found.mode.toString(8)}` };
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT") return { kind: "missing" };
    if (code === "EACCES" || code === "EPERM") return { kind: "forbidden" };
    throw error;
  }
}

/** The virtualization flags of the first CPU in `/proc/cpuinfo`. */
export function parseCpuFlags(cpuInfo: string): readonly string[] {
  const flags = /^flags\s*:(.*)$/m.exec(cpuInfo)?.[1]?.split(/\s+/) ?? [];
  return ["svm", "vmx"].filter((flag) => flags.includes(flag));
}

/**
 * Why virtualization cannot work here, where that is certain without trying; undefined when it has to be tried.
 * arm64 processors do not list the ability among their flags.
 */
export function certainObstacle(facts: VirtualizationFacts): string | undefined {
  switch (facts.platform) {
    case "darwin":
      return facts.architecture === "arm64" ? undefined : "macOS needs Apple silicon";
    case "linux":
      break;
    default:
      return `there is no microVM runtime for ${facts.platform}`;
  }
  if (facts.device.kind === "missing") return `there is no ${kvmDevice}`;
  if (facts.device.kind === "forbidden") return `this user may not open ${kvmDevice}`;
  if (facts.architecture === "x64" && facts.cpuFlags.length === 0) {
    return `there is a ${kvmDevice}, but the processor offers neither vmx nor svm`;
  }
  return undefined;
}
