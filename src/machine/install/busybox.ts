import { join } from "node:path";
import { Failure } from "../../diagnostics/failure.ts";
import { exists } from "../../model/present-files.ts";
import { findProgram, runCommand, versionOf } from "../external-command.ts";
import type { MachineInstallation } from "../machine-installation.ts";
import { sharedLibraries } from "../shared-libraries.ts";
import type { PackageFetcher } from "./debian-packages.ts";

/** Where a busybox may come from. */
export interface BusyboxSources {
  readonly fetcher: PackageFetcher;
  readonly before: MachineInstallation | undefined;
  readonly signal: AbortSignal;
}

/**
 * A busybox that the machine can boot with: this host's, or a package's.
 *
 * @throws Failure `BusyboxUnavailable`
 */
export async function provideBusybox({
  fetcher,
  before,
  signal,
}: BusyboxSources): Promise<MachineInstallation["busybox"]> {
  const present = before?.busybox.path ?? (await findProgram("busybox"));
  if (present !== undefined && (await isUsableBusybox(present, signal))) {
    return { path: present, version: await versionOf(present, ["--help"], signal) };
  }
  const fetched = await fetcher.fetch("busybox-static");
  const candidates = fetched === undefined ? [] : ["bin/busybox", "usr/bin/busybox"];
  for (const candidate of candidates.map((path) => join(fetched?.directory ?? "", path))) {
    if ((await exists(candidate)) && (await isUsableBusybox(candidate, signal))) {
      return { path: candidate, version: fetched?.version ?? "" };
    }
  }
  throw new Failure({
    code: "BusyboxUnavailable",
    category: "environment",
    message: "the machine needs a statically linked busybox, and apt knows no package busybox-static here",
    hint: "run `apt-get update && apt-get install busybox-static` as root, then `lightbox machine init` again",
  });
}

/** Statically linked, with the applets that boot the machine. */
async function isUsableBusybox(path: string, signal: AbortSignal): Promise<boolean> {
  if (!(await exists(path)) || (await sharedLibraries(path, signal)).length > 0) return false;
  const { stdout } = await runCommand([path, "--list"], { signal, timeoutMs: 20_000 });
  const applets = new Set(stdout.split("\n"));
  return ["init", "insmod", "switch_root", "poweroff", "ip", "mount"].every((name) => applets.has(name));
}
