import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { Failure, systemErrorCode } from "../diagnostics/failure.ts";
import { filesBelow } from "./files-below.ts";

/** What the machine loads besides what these depend on, by when. */
export const machineModules = {
  /** Needed to find the disks; the rest is loaded from the root image. */
  disk: ["virtio_pci", "virtio_blk"],
  boot: ["virtio_net", "virtio_console", "qemu_fw_cfg"],
  /** Large, and needed only once the first sandbox boots. */
  late: ["kvm_amd", "virtio_balloon"],
} as const;

const fetchAgainHint =
  "run `lightbox machine init`: it fetches the kernel's package again; a kernel of your own comes from\n" +
  "LIGHTBOX_MACHINE_KERNEL=FILE.deb";

/** A kernel module's file, its name as the kernel knows it (`kvm_amd`, never `kvm-amd`). */
export interface KernelModule {
  readonly name: string;
  readonly path: string;
}

/**
 * The modules that `wanted` names and all that they depend on, in an order in which `insmod` can load them.
 * The kernel package ships no `modules.dep`; the dependencies stand in every module's `.modinfo` section.
 *
 * @param modulesDirectory `lib/modules/<release>` of the unpacked kernel package.
 * @throws Failure `KernelModuleMissing`, `KernelModuleDamaged`
 */
export async function modulesInLoadOrder(
  modulesDirectory: string,
  wanted: readonly string[],
): Promise<readonly KernelModule[]> {
  const paths = await findModules(modulesDirectory);
  const ordered = new Map<string, KernelModule>();

  const visit = async (name: string): Promise<void> => {
    if (ordered.has(name)) return;
    const path = paths.get(name);
    if (path === undefined) {
      throw new Failure({
        code: "KernelModuleMissing",
        category: "environment",
        message: `the machine's kernel has no module ${name} below ${modulesDirectory}`,
        hint: fetchAgainHint,
      });
    }
    for (const dependency of moduleDependencies(await readFile(path))) await visit(dependency);
    ordered.set(name, { name, path });
  };
  for (const name of wanted) await visit(name);
  return [...ordered.values()];
}

/** False when a module that the machine loads is missing or damaged. */
export async function hasMachineModules(modulesDirectory: string): Promise<boolean> {
  try {
    await modulesInLoadOrder(modulesDirectory, Object.values(machineModules).flat());
    return true;
  } catch (error) {
    if (error instanceof Failure || systemErrorCode(error) === "ENOENT") return false;
    throw error;
  }
}

async function findModules(directory: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const path of await filesBelow(directory)) {
    if (path.endsWith(".ko")) found.set(moduleName(basename(path, ".ko")), path);
  }
  return found;
}

function moduleName(name: string): string {
  return name.replaceAll("-", "_");
}

/** What a module's `.modinfo` section says in `depends=`. Takes 64-bit little-endian ELF, as x86_64 has it. */
export function moduleDependencies(module: Buffer): readonly string[] {
  const entry = elfSection(module, ".modinfo")
    .toString("latin1")
    .split("\0")
    .find((text) => text.startsWith("depends="));
  const names = entry?.slice("depends=".length) ?? "";
  return names === "" ? [] : names.split(",").map(moduleName);
}

/** @throws Failure `KernelModuleDamaged` */
function elfSection(file: Buffer, wanted: string): Buffer {
  if (file.length < 64 || file.toString("latin1", 0, 4) !== "\x7fELF") throw damaged("is not an ELF file");
  const tableOffset = Number(file.readBigUInt64LE(40));
  const entrySize = file.readUInt16LE(58);
  const count = file.readUInt16LE(60);
  // The table stands behind all sections: a file that was cut short lacks a part of it.
  if (entrySize < 64 || tableOffset + count * entrySize > file.length) throw damaged("is cut short");
  const header = (index: number): Buffer =>
    file.subarray(tableOffset + index * entrySize, tableOffset + (index + 1) * entrySize);
  const contentOf = (section: Buffer): Buffer => {
    const start = Number(section.readBigUInt64LE(24));
    return file.subarray(start, start + Number(section.readBigUInt64LE(32)));
  };
  const namesIndex = file.readUInt16LE(62);
  if (namesIndex >= count) throw damaged("names no sections");
  const names = contentOf(header(namesIndex));
  for (let index = 0; index < count; index += 1) {
    const section = header(index);
    const nameStart = section.readUInt32LE(0);
    if (names.toString("latin1", nameStart, names.indexOf(0, nameStart)) === wanted)
      return contentOf(section);
  }
  return Buffer.alloc(0);
}

function damaged(problem: string): Failure {
  return new Failure({
    code: "KernelModuleDamaged",
    category: "environment",
    message: `a kernel module of the machine ${problem}`,
    hint: fetchAgainHint,
  });
}
