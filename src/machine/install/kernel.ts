import { mkdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { Failure } from "../../diagnostics/failure.ts";
import { exists, namesIn } from "../../model/present-files.ts";
import { findProgram, runChecked } from "../external-command.ts";
import { hasMachineModules } from "../kernel-modules.ts";
import type { MachineInstallation } from "../machine-installation.ts";
import {
  folderName,
  type PackageFetcher,
  type PackageFolder,
  parseControlField,
  unpackPackage,
} from "./debian-packages.ts";

const kernelMetapackage = "linux-image-cloud-amd64";

/** Where a kernel may come from. */
export interface KernelSources {
  readonly fetcher: PackageFetcher;
  readonly before: MachineInstallation | undefined;
  readonly packagesDirectory: string;
  /** A kernel package's file; default: LIGHTBOX_MACHINE_KERNEL. Undefined: Debian's newest cloud kernel. */
  readonly packageFile: string | undefined;
  readonly onCommand: (command: string, why: string) => void;
  readonly signal: AbortSignal;
}

/**
 * The kernel that the machine boots: the one that is there, or a package that is unpacked.
 *
 * @throws Failure `KernelPackageUnavailable`
 */
export async function provideKernel(sources: KernelSources): Promise<MachineInstallation["kernel"]> {
  const { before, fetcher, packagesDirectory } = sources;
  const file = sources.packageFile ?? process.env.LIGHTBOX_MACHINE_KERNEL;
  if (file !== undefined && file !== "") return describeKernel(await unpackKernelFile(file, sources));
  if (before !== undefined && (await exists(before.kernel.image))) {
    if (await hasMachineModules(before.kernel.modulesDirectory)) return before.kernel;
    // A folder that is there counts as unpacked: without it the package is fetched again.
    const { package: name, version } = before.kernel;
    await rm(join(packagesDirectory, folderName(name, version)), { recursive: true, force: true });
  }
  if ((await findProgram("apt-get")) === undefined) throw kernelUnavailable("this host has no apt-get");
  const name = await fetcher.firstDependency(kernelMetapackage);
  const fetched = name === undefined ? undefined : await fetcher.fetch(name);
  if (fetched === undefined) throw kernelUnavailable(`apt knows no ${kernelMetapackage} here`);
  return describeKernel(fetched);
}

async function unpackKernelFile(
  file: string,
  { packagesDirectory, onCommand, signal }: KernelSources,
): Promise<PackageFolder> {
  const record = await runChecked(["dpkg-deb", "--field", file, "Package", "Version"], { signal });
  const name = parseControlField(record, "Package") ?? "kernel";
  const version = parseControlField(record, "Version") ?? "unknown";
  const directory = join(packagesDirectory, folderName(name, version));
  await mkdir(packagesDirectory, { recursive: true });
  await unpackPackage(file, directory, { signal, onCommand });
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

async function onlyFile(directory: string, pattern: RegExp): Promise<string | undefined> {
  const name = (await namesIn(directory)).find((entry) => pattern.test(entry));
  return name === undefined ? undefined : join(directory, name);
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
