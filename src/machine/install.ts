import { lstat, mkdir, readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import {
  folderName,
  PackageFetcher,
  type PackageFolder,
  parseControlField,
  unpackPackage,
} from "./debian-packages.ts";
import { findProgram, runChecked, runCommand } from "./external-command.ts";
import type { InstallEvent } from "./install-events.ts";
import { hasMachineModules } from "./kernel-modules.ts";
import { type MachineInstallation, readInstallation, requireMachineHost } from "./machine-installation.ts";
import { type MachinePaths, machinePaths } from "./machine-paths.ts";
import { sharedLibraries } from "./shared-libraries.ts";
import { acquireMachineLock } from "./start-lock.ts";
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

const kernelMetapackage = "linux-image-cloud-amd64";
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
  const kernel = await provideKernel({ fetcher, before, paths, options, signal });
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

interface KernelSources {
  readonly fetcher: PackageFetcher;
  readonly before: MachineInstallation | undefined;
  readonly paths: MachinePaths;
  readonly options: InstallOptions;
  readonly signal: AbortSignal;
}

async function provideKernel(sources: KernelSources): Promise<MachineInstallation["kernel"]> {
  const { before, fetcher, options, paths } = sources;
  const file = options.kernelPackageFile ?? process.env.LIGHTBOX_MACHINE_KERNEL;
  if (file !== undefined && file !== "") return describeKernel(await unpackKernelFile(file, sources));
  if (before !== undefined && (await isFile(before.kernel.image))) {
    if (await hasMachineModules(before.kernel.modulesDirectory)) return before.kernel;
    // A folder that is there counts as unpacked: without it the package is fetched again.
    const { package: name, version } = before.kernel;
    await rm(join(paths.packages, folderName(name, version)), { recursive: true, force: true });
  }
  if ((await findProgram("apt-get")) === undefined) throw kernelUnavailable("this host has no apt-get");
  const name = await fetcher.firstDependency(kernelMetapackage);
  const fetched = name === undefined ? undefined : await fetcher.fetch(name);
  if (fetched === undefined) throw kernelUnavailable(`apt knows no ${kernelMetapackage} here`);
  return describeKernel(fetched);
}

async function unpackKernelFile(
  file: string,
  { paths, options, signal }: KernelSources,
): Promise<PackageFolder> {
  const record = await runChecked(["dpkg-deb", "--field", file, "Package", "Version"], { signal });
  const name = parseControlField(record, "Package") ?? "kernel";
  const version = parseControlField(record, "Version") ?? "unknown";
  const directory = join(paths.packages, folderName(name, version));
  await mkdir(paths.packages, { recursive: true });
  await unpackPackage(file, directory, {
    signal,
    onCommand: (command, why) => options.onEvent({ kind: "command", command, why }),
  });
  return { name, version, directory };
}

async function describeKernel({
  name,
  version,
  directory,
}: PackageFolder): Promise<MachineInstallation["kernel"]> {
  const image = await onlyFile(join(directory, "boot"), /^vmlinuz-/);
  // Since Debian 13, /lib is a link to /usr/lib and packages say so.
  const modules =
    (await onlyFile(join(directory, "lib/modules"), /^\d/)) ??
    (await onlyFile(join(directory, "usr/lib/modules"), /^\d/));
  if (image === undefined || modules === undefined) {
    throw kernelUnavailable(`the package ${name} ${version} holds no kernel with modules`);
  }
  return { package: name, version, release: basename(modules), image, modulesDirectory: modules };
}

interface BusyboxSources {
  readonly fetcher: PackageFetcher;
  readonly before: MachineInstallation | undefined;
  readonly signal: AbortSignal;
}

async function provideBusybox({
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
    if ((await isFile(candidate)) && (await isUsableBusybox(candidate, signal))) {
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
  if (!(await isFile(path)) || (await sharedLibraries(path, signal)).length > 0) return false;
  const { stdout } = await runCommand([path, "--list"], { signal, timeoutMs: 20_000 });
  const applets = new Set(stdout.split("\n"));
  return ["init", "insmod", "switch_root", "poweroff", "ip", "mount"].every((name) => applets.has(name));
}

/** What was unpacked for an earlier installation. */
async function removeUnusedPackages(paths: MachinePaths, used: MachineInstallation): Promise<void> {
  const inUse = [used.kernel.image, used.busybox.path];
  for (const entry of await entriesOf(paths.packages)) {
    const directory = join(paths.packages, entry);
    const isUsed = entry.startsWith("lists-") || inUse.some((path) => path.startsWith(`${directory}/`));
    if (!isUsed) await rm(directory, { recursive: true, force: true });
  }
}

/** The first line of what a program says about itself. */
async function versionOf(program: string, words: readonly string[], signal: AbortSignal): Promise<string> {
  const { stdout, stderr } = await runCommand([program, ...words], { signal, timeoutMs: 20_000 });
  return (stdout || stderr).split("\n")[0]?.trim() ?? "";
}

async function onlyFile(directory: string, pattern: RegExp): Promise<string | undefined> {
  const name = (await entriesOf(directory)).find((entry) => pattern.test(entry));
  return name === undefined ? undefined : join(directory, name);
}

async function entriesOf(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return false;
    throw error;
  }
}

function kernelUnavailable(why: string): Failure {
  return new Failure({
    code: "KernelPackageUnavailable",
    category: "environment",
    message: `no kernel for the machine: ${why}`,
    hint:
      "fetch the package linux-image-…-cloud-amd64 from a Debian mirror (pool/main/l/linux-signed-amd64), then run\n" +
      "`LIGHTBOX_MACHINE_KERNEL=FILE.deb lightbox machine init`",
  });
}
