import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { Failure } from "../../diagnostics/failure.ts";
import { namesIn } from "../../model/present-files.ts";
import { findProgram, versionOf } from "../external-command.ts";
import { type MachineInstallation, readInstallation, requireMachineHost } from "../machine-installation.ts";
import { type MachinePaths, machinePaths } from "../machine-paths.ts";
import { acquireMachineLock } from "../start-lock.ts";
import { provideBusybox } from "./busybox.ts";
import { PackageFetcher } from "./debian-packages.ts";
import type { InstallEvent } from "./events.ts";
import { provideKernel } from "./kernel.ts";
import {
  installSystemPackages,
  missingProgramCode,
  qemuPackage,
  type SystemInstallation,
} from "./system-packages.ts";

export interface InstallOptions {
  /** LIGHTBOX_HOME. */
  readonly home: string;
  /** Asked before anything is installed on the system; nothing else needs asking. */
  readonly confirm: (installation: SystemInstallation) => Promise<boolean>;
  readonly onEvent: (event: InstallEvent) => void;
  /** Fetch the kernel and busybox again, to get newer versions. */
  readonly force?: boolean;
  /** A kernel package's file instead of Debian's newest cloud kernel. Default: LIGHTBOX_MACHINE_KERNEL. */
  readonly kernelPackageFile?: string;
}

const systemPrograms = [
  { program: "qemu-system-x86_64", package: qemuPackage },
  { program: "mke2fs", package: "e2fsprogs" },
] as const;

/**
 * The work of `lightbox machine init`: what is missing on this host is installed (QEMU, after asking) or fetched
 * into LIGHTBOX_HOME (kernel, busybox). Repeating it changes nothing; interrupting it leaves nothing half done.
 *
 * @throws Failure `MachineUnsupportedHost`, `QemuMissing`, `FilesystemToolMissing`, `KernelPackageUnavailable`,
 * `BusyboxUnavailable`, `PackageFetchFailed`, `ProgramMissing`, `ProgramFailed`, `Cancelled`
 */
export async function installMachine(
  options: InstallOptions,
  signal: AbortSignal,
): Promise<MachineInstallation> {
  requireMachineHost();
  const paths = machinePaths(options.home);
  await mkdir(paths.root, { recursive: true });
  await using _lock = await acquireMachineLock(paths.root, signal, () =>
    options.onEvent({ kind: "waiting-for-other-process" }),
  );
  const before = options.force === true ? undefined : await readInstallation(paths);
  const [qemuPath, mke2fsPath] = await provideSystemPrograms(options, signal);
  const onCommand = (command: string, why: string) => options.onEvent({ kind: "command", command, why });
  await using fetcher = new PackageFetcher({ packagesDirectory: paths.packages, onCommand, signal });
  const kernel = await provideKernel({
    fetcher,
    before,
    packagesDirectory: paths.packages,
    packageFile: options.kernelPackageFile,
    onCommand,
    signal,
  });
  const busybox = await provideBusybox({ fetcher, before, signal });
  const installation: MachineInstallation = {
    formatVersion: 1,
    installedAt: new Date().toISOString(),
    qemu: { path: qemuPath, version: await versionOf(qemuPath, ["--version"], signal) },
    kernel,
    busybox,
    mke2fs: { path: mke2fsPath, version: await versionOf(mke2fsPath, ["-V"], signal) },
  };
  await writeFileAtomic(paths.installation, `${JSON.stringify(installation, null, 2)}\n`);
  await removeUnusedPackages(paths, installation);
  options.onEvent({ kind: "found", what: "QEMU", detail: installation.qemu.version });
  options.onEvent({
    kind: "found",
    what: "kernel",
    detail: `${kernel.release} (${kernel.package} ${kernel.version})`,
  });
  options.onEvent({ kind: "found", what: "busybox", detail: `${busybox.version} at ${busybox.path}` });
  return installation;
}

async function provideSystemPrograms(
  options: InstallOptions,
  signal: AbortSignal,
): Promise<readonly [qemu: string, mke2fs: string]> {
  const locate = () => Promise.all(systemPrograms.map(({ program }) => findProgram(program)));
  let found = await locate();
  let missing = systemPrograms.filter((_, index) => found[index] === undefined);
  if (missing.length > 0) {
    const wanted = missing.map((one) => one.package);
    await installSystemPackages(wanted, { confirm: options.confirm, onEvent: options.onEvent, signal });
    found = await locate();
    missing = systemPrograms.filter((_, index) => found[index] === undefined);
  }
  const [qemu, mke2fs] = found;
  if (qemu !== undefined && mke2fs !== undefined) return [qemu, mke2fs];
  throw new Failure({
    code: missingProgramCode(qemu === undefined),
    category: "environment",
    message: `${missing.map((one) => one.program).join(" and ")} cannot be found, although the package is installed`,
    hint: "put the program's folder into PATH and run `lightbox machine init` again",
  });
}

/** What was unpacked for an earlier installation. */
async function removeUnusedPackages(paths: MachinePaths, used: MachineInstallation): Promise<void> {
  const inUse = [used.kernel.image, used.busybox.path];
  for (const entry of await namesIn(paths.packages)) {
    const directory = join(paths.packages, entry);
    const isUsed = entry.startsWith("lists-") || inUse.some((path) => path.startsWith(`${directory}/`));
    if (!isUsed) await rm(directory, { recursive: true, force: true });
  }
}
