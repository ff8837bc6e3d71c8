import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { systemErrorCode } from "../../../diagnostics/failure.ts";

/**
 * Most processors that a microVM can be given on this host. Under QEMU's emulation a microVM with two or more
 * ends in a triple fault sooner or later (often while it boots), so there it is one.
 */
export async function mostGuestCpus(): Promise<number> {
  return (await isEmulatedHost()) ? 1 : availableParallelism();
}

/**
 * Bytes per millisecond that cutting a layer out of a builder's disk copies: a builder that has written more
 * than is copied in the time of a boot is started anew instead. Measured: 1,500 under emulation; natively the
 * figure is that of slow storage.
 */
export async function copiedBytesPerMs(): Promise<number> {
  return (await isEmulatedHost()) ? 1_500 : 100_000;
}

async function isEmulatedHost(): Promise<boolean> {
  try {
    return /^model name\s*:.*\bTCG\b/m.test(await readFile("/proc/cpuinfo", "utf8"));
  } catch (error) {
    // macOS has no such file, and no emulated microVMs.
    if (systemErrorCode(error) === "ENOENT") return false;
    throw error;
  }
}
