import { execFile } from "node:child_process";
import { chmod, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { downloadPackages } from "./apt-packages.ts";
import { directoryEntry, fileEntry, type RootEntry, readPackageFiles, symlinkEntry } from "./package-file.ts";

const run = promisify(execFile);

/** Account files with the users that every Linux system has, and an ordinary one. */
const accounts = {
  "etc/passwd": [
    "root:x:0:0:root:/root:/bin/sh",
    "daemon:x:1:1:daemon:/usr/sbin:/bin/false",
    "user:x:1000:1000:user:/home/user:/bin/sh",
    "nobody:x:65534:65534:nobody:/nonexistent:/bin/false",
  ],
  "etc/group": ["root:x:0:", "daemon:x:1:", "user:x:1000:", "nogroup:x:65534:"],
  "etc/shells": ["/bin/sh", "/bin/ash"],
  "etc/hosts": ["127.0.0.1 localhost", "::1 localhost"],
};

const folders: readonly [path: string, mode: number][] = [
  ["dev", 0o755],
  ["etc", 0o755],
  ["home", 0o755],
  ["mnt", 0o755],
  ["proc", 0o555],
  ["root", 0o700],
  ["run", 0o755],
  ["sys", 0o555],
  ["tmp", 0o1777],
  ["usr/local/bin", 0o755],
  ["var/log", 0o755],
  ["var/tmp", 0o1777],
];

/** The smallest root filesystem that a Lightfile can do something with: Debian's static busybox under all its names. */
export async function* busyboxRoot(work: string): AsyncGenerator<RootEntry> {
  const [packageFile] = await downloadPackages(["busybox-static"], work, { withDependencies: false });
  if (packageFile === undefined) throw new Error("apt-get download busybox-static left no file");
  const busybox = await findBusybox(packageFile);
  for (const [path, mode] of folders) yield directoryEntry(path, mode);
  yield { ...directoryEntry("home/user"), uid: 1000, gid: 1000 };
  for (const [path, lines] of Object.entries(accounts))
    yield fileEntry(path, lines.map((line) => `${line}\n`).join(""));
  yield fileEntry("bin/busybox", busybox, 0o755);
  for (const path of await appletPaths(busybox, work)) yield symlinkEntry(path, "/bin/busybox");
}

async function findBusybox(packageFile: string): Promise<Uint8Array> {
  for await (const entry of readPackageFiles(packageFile)) {
    if (entry.type === "file" && entry.path.endsWith("bin/busybox")) return entry.content;
  }
  throw new Error(`${packageFile} holds no busybox`);
}

/** Where the applets belong, as busybox itself says, e.g. `usr/bin/awk`. */
async function appletPaths(busybox: Uint8Array, work: string): Promise<readonly string[]> {
  const program = join(work, "busybox");
  await writeFile(program, busybox);
  await chmod(program, 0o755);
  const { stdout } = await run(program, ["--list-full"]);
  await rm(program);
  return stdout
    .split("\n")
    .filter((path) => path !== "" && path !== "bin/busybox")
    .sort();
}
