import { constants } from "node:fs";
import { chmod, copyFile, link, lstat, mkdir, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { systemErrorCode } from "../diagnostics/failure.ts";
import { readCertificates } from "./certificates.ts";
import { runCommand } from "./external-command.ts";
import { filesBelow } from "./files-below.ts";
import * as scripts from "./guest-scripts.ts";
import type { KernelModule } from "./kernel-modules.ts";
import { machinePlatformPackage, microsandboxPackages } from "./microsandbox-packages.ts";
import { sharedLibraries } from "./shared-libraries.ts";

export interface RootImageInputs {
  /** Folder of the lightbox package: `package.json` and `dist/` (bundled). */
  readonly packageDirectory: string;
  /** The node binary that runs inside, normally this one. */
  readonly nodePath: string;
  /** Statically linked busybox. */
  readonly busyboxPath: string;
  readonly mke2fsPath: string;
  /** `lib/modules/<release>` of the unpacked kernel package. */
  readonly modulesDirectory: string;
  readonly kernelRelease: string;
}

/** Kernel modules in load order, by when they are loaded. */
export interface ArrangedModules {
  /** From the initial RAM file system. */
  readonly disk: readonly KernelModule[];
  readonly boot: readonly KernelModule[];
  /** While the worker starts. */
  readonly late: readonly KernelModule[];
}

export interface RootContents {
  readonly inputs: RootImageInputs;
  readonly modules: ArrangedModules;
  readonly signal: AbortSignal;
}

/** Lays out the machine's root file system in a new folder, mostly of hard links. */
export async function stageRoot(stage: string, { inputs, modules, signal }: RootContents): Promise<void> {
  await mkdir(stage);
  await stageSkeleton(stage);
  await stageScripts(stage, modules);
  await stagePrograms(stage, inputs, signal);
  await stagePackage(stage, inputs.packageDirectory);
}

async function stageSkeleton(stage: string): Promise<void> {
  const directories =
    "bin sbin usr/bin usr/sbin etc/ssl/certs proc sys dev run data lib lib64 lightbox/bin var mnt";
  for (const path of directories.split(" ")) await mkdir(join(stage, path), { recursive: true });
  await symlink("/data/tmp", join(stage, "tmp"));
  await symlink("/data/tmp", join(stage, "var/tmp"));
  await symlink("/data/home", join(stage, "root"));
  await symlink("/run", join(stage, "var/run"));
  await symlink("/proc/mounts", join(stage, "etc/mtab"));
  const files: Record<string, string> = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/hosts": "127.0.0.1 localhost lightbox\n::1 localhost\n",
    "etc/resolv.conf": "nameserver 10.0.2.3\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "etc/inittab": scripts.inittab,
    "etc/ssl/certs/ca-certificates.crt": (await readCertificates()).text,
  };
  for (const [path, text] of Object.entries(files)) await writeFile(join(stage, path), text);
}

async function stageScripts(stage: string, modules: ArrangedModules): Promise<void> {
  const directory = join(stage, scripts.guestScriptsDirectory);
  await mkdir(join(directory, "modules"), { recursive: true });
  for (const { name, path } of [...modules.boot, ...modules.late])
    await placeFile(path, join(directory, "modules", `${name}.ko`));
  const executables: Record<string, string> = {
    boot: scripts.boot({
      foreground: modules.boot.map((module) => module.name),
      background: modules.late.map((module) => module.name),
    }),
    serve: scripts.serve,
    shell: scripts.shell,
    control: scripts.control,
    shutdown: scripts.shutdown,
    environment: scripts.environment,
  };
  for (const [name, text] of Object.entries(executables)) {
    await writeFile(join(directory, name), text, { mode: 0o755 });
  }
}

async function stagePrograms(stage: string, inputs: RootImageInputs, signal: AbortSignal): Promise<void> {
  await placeFile(inputs.busyboxPath, join(stage, "bin/busybox"));
  const { stdout } = await runCommand([inputs.busyboxPath, "--list"], { signal, timeoutMs: 20_000 });
  for (const applet of stdout.split("\n").filter((name) => name !== "" && name !== "busybox")) {
    await symlink("/bin/busybox", join(stage, applet === "init" ? "sbin" : "bin", applet));
  }
  await rm(join(stage, "bin/mke2fs"), { force: true }); // busybox' own makes ext2 only
  await placeFile(inputs.mke2fsPath, join(stage, "sbin/mke2fs"));
  await symlink("mke2fs", join(stage, "sbin/mkfs.ext4"));
  await placeFile(inputs.nodePath, join(stage, "lightbox/bin/node"));

  const { platform } = await microsandboxPackages(inputs.packageDirectory);
  const linked = [inputs.nodePath, inputs.mke2fsPath, join(platform, "bin/msb")];
  linked.push(...(await filesBelow(platform)).filter((path) => /\.node$|\.so(\.|$)/.test(path)));
  const libraries = new Set<string>();
  for (const program of linked) {
    for (const library of await sharedLibraries(program, signal)) libraries.add(library);
  }
  for (const library of libraries) await placeFile(await realpath(library), join(stage, library));
}

async function stagePackage(stage: string, packageDirectory: string): Promise<void> {
  const target = join(stage, "lightbox");
  const { javascript, platform } = await microsandboxPackages(packageDirectory);
  await placeFile(join(packageDirectory, "package.json"), join(target, "package.json"));
  await placeTree(join(packageDirectory, "dist"), join(target, "dist"));
  await placeTree(javascript, join(target, "node_modules/microsandbox"));
  await placeTree(platform, join(target, "node_modules", machinePlatformPackage));
}

async function placeTree(from: string, to: string): Promise<void> {
  for (const file of await filesBelow(from)) await placeFile(file, join(to, relative(from, file)));
}

/** Hard link where the file system allows it, else a copy (shared blocks where possible). */
async function placeFile(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  try {
    await link(from, to);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "EEXIST") return;
    if (code !== "EXDEV" && code !== "EPERM" && code !== "EMLINK") throw error;
    await copyFile(from, to, constants.COPYFILE_FICLONE);
    await chmod(to, (await lstat(from)).mode & 0o777);
  }
}
