import { createHash } from "node:crypto";
import { constants } from "node:fs";
import {
  chmod,
  copyFile,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { systemErrorCode } from "../diagnostics/failure.ts";
import { readCertificates } from "./certificates.ts";
import { runChecked, runCommand } from "./external-command.ts";
import { filesBelow } from "./files-below.ts";
import * as scripts from "./guest-scripts.ts";
import { type CpioEntry, writeCpio } from "./initramfs.ts";
import { type KernelModule, modulesInLoadOrder } from "./kernel-modules.ts";
import { machinePlatformPackage, microsandboxPackages } from "./microsandbox-packages.ts";
import { sharedLibraries } from "./shared-libraries.ts";

/** Raise when the image's layout changes other than through its inputs. */
const imageFormat = 1;

/** Needed to find the disks; the rest is loaded from the root image. */
const diskModules = ["virtio_pci", "virtio_blk"];
const bootModules = ["virtio_net", "virtio_console", "qemu_fw_cfg"];
/** Large, and needed only once the first sandbox boots. */
const lateModules = ["kvm_amd", "virtio_balloon"];

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

export interface RootImage {
  readonly key: string;
  readonly rootDisk: string;
  readonly initramfs: string;
}

/** The image of these inputs below `imagesDirectory`, built when it is not there yet; older ones are removed. */
export async function provideRootImage(
  imagesDirectory: string,
  inputs: RootImageInputs,
  { signal, onBuild }: { readonly signal: AbortSignal; readonly onBuild: () => void },
): Promise<RootImage> {
  const key = await rootImageKey(inputs);
  const directory = join(imagesDirectory, key);
  const image = { key, rootDisk: join(directory, "root.img"), initramfs: join(directory, "initramfs.cpio") };
  if (await exists(image.initramfs)) return image;

  onBuild();
  await mkdir(imagesDirectory, { recursive: true });
  const building = await mkdtemp(join(imagesDirectory, "building-"));
  try {
    await buildRootImage(building, inputs, signal);
    for (const old of await readdir(imagesDirectory)) {
      if (old !== key && join(imagesDirectory, old) !== building) {
        await rm(join(imagesDirectory, old), { recursive: true, force: true });
      }
    }
    await rename(building, directory);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return image;
}

/**
 * Names the image by the identity (path, size, modification time) of what goes into it, so that asking whether
 * the image is current costs a few milliseconds. Libraries are left out: the image holds its own copies.
 */
export async function rootImageKey(inputs: RootImageInputs): Promise<string> {
  const modules = await microsandboxPackages(inputs.packageDirectory);
  const files = [
    inputs.nodePath,
    inputs.busyboxPath,
    inputs.mke2fsPath,
    join(inputs.packageDirectory, "package.json"),
    ...(await filesBelow(join(inputs.packageDirectory, "dist"))),
    ...(await filesBelow(modules.javascript)),
    ...(await filesBelow(modules.platform)),
  ];
  const hash = createHash("sha256");
  const guest = [
    scripts.boot({ foreground: [], background: [] }),
    scripts.serve,
    scripts.shell,
    scripts.control,
    scripts.shutdown,
  ];
  hash.update(
    JSON.stringify([imageFormat, inputs.kernelRelease, scripts.initramfsInit([]), scripts.inittab, guest]),
  );
  hash.update(JSON.stringify([scripts.environment, diskModules, bootModules, lateModules]));
  for (const file of files.sort()) {
    const { size, mtimeMs } = await lstat(file);
    hash.update(JSON.stringify([file, size, mtimeMs]));
  }
  return hash.digest("hex").slice(0, 32);
}

async function buildRootImage(
  directory: string,
  inputs: RootImageInputs,
  signal: AbortSignal,
): Promise<void> {
  const stage = join(directory, "root");
  const modules = await arrangeModules(inputs.modulesDirectory);

  await mkdir(stage);
  await stageSkeleton(stage);
  await stageScripts(stage, modules);
  await stagePrograms(stage, inputs, signal);
  await stagePackage(stage, inputs.packageDirectory);

  await makeRootDisk(stage, join(directory, "root.img"), inputs.mke2fsPath, signal);
  await rm(stage, { recursive: true });
  await writeFile(
    join(directory, "initramfs.cpio"),
    writeCpio(await initramfsEntries(inputs.busyboxPath, modules.disk)),
  );
}

interface ArrangedModules {
  readonly disk: readonly KernelModule[];
  readonly boot: readonly KernelModule[];
  readonly late: readonly KernelModule[];
}

/** Each module once, in the first group that needs it. */
async function arrangeModules(modulesDirectory: string): Promise<ArrangedModules> {
  const loaded = new Set<string>();
  const arrange = async (wanted: readonly string[]): Promise<readonly KernelModule[]> => {
    const modules = (await modulesInLoadOrder(modulesDirectory, wanted)).filter(
      ({ name }) => !loaded.has(name),
    );
    for (const { name } of modules) loaded.add(name);
    return modules;
  };
  const disk = await arrange(diskModules);
  const boot = await arrange(bootModules);
  return { disk, boot, late: await arrange(lateModules) };
}

async function initramfsEntries(
  busyboxPath: string,
  modules: readonly KernelModule[],
): Promise<readonly CpioEntry[]> {
  const entries: CpioEntry[] = ["bin", "dev", "proc", "sys", "new", "modules"].map((path) => ({
    kind: "directory",
    path,
    mode: 0o755,
  }));
  entries.push({ kind: "file", path: "bin/busybox", mode: 0o755, content: await readFile(busyboxPath) });
  for (const { name, path } of modules) {
    entries.push({ kind: "file", path: `modules/${name}.ko`, mode: 0o644, content: await readFile(path) });
  }
  const init = scripts.initramfsInit(modules.map((module) => module.name));
  entries.push({ kind: "file", path: "init", mode: 0o755, content: Buffer.from(init) });
  return entries;
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

async function makeRootDisk(stage: string, disk: string, mke2fs: string, signal: AbortSignal): Promise<void> {
  let contentBytes = 0;
  for (const file of await filesBelow(stage)) contentBytes += (await lstat(file)).size;
  // Room for what ext4 keeps about files; the file is sparse, so that generous is free.
  await writeFile(disk, "");
  await truncate(disk, Math.ceil((contentBytes * 1.15) / 2 ** 20 + 32) * 2 ** 20);
  const options = [
    "-q",
    "-F",
    "-t",
    "ext4",
    "-b",
    "4096",
    "-O",
    "^has_journal",
    "-m",
    "0",
    "-E",
    "root_owner=0:0",
  ];
  await runChecked([mke2fs, ...options, "-d", stage, disk], { signal, timeoutMs: 300_000 });
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

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return false;
    throw error;
  }
}
