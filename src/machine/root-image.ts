import { createHash } from "node:crypto";
import { lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exists } from "../model/present-files.ts";
import { runChecked } from "./external-command.ts";
import { filesBelow } from "./files-below.ts";
import * as scripts from "./guest-scripts.ts";
import { type CpioEntry, writeCpio } from "./initramfs.ts";
import { type KernelModule, machineModules, modulesInLoadOrder } from "./kernel-modules.ts";
import { microsandboxPackages } from "./microsandbox-packages.ts";
import { type ArrangedModules, type RootImageInputs, stageRoot } from "./root-stage.ts";

/** Raise when the image's layout changes other than through its inputs. */
const imageFormat = 1;

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
  hash.update(JSON.stringify([scripts.environment, ...Object.values(machineModules)]));
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

  await stageRoot(stage, { inputs, modules, signal });
  await makeRootDisk(stage, join(directory, "root.img"), inputs.mke2fsPath, signal);
  await rm(stage, { recursive: true });
  await writeFile(
    join(directory, "initramfs.cpio"),
    writeCpio(await initramfsEntries(inputs.busyboxPath, modules.disk)),
  );
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
  const disk = await arrange(machineModules.disk);
  const boot = await arrange(machineModules.boot);
  return { disk, boot, late: await arrange(machineModules.late) };
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
