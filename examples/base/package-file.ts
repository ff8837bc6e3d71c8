import { spawn } from "node:child_process";
import { once } from "node:events";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-stream";

/** A file, directory or link of a root filesystem. Times are not in it: they would differ from run to run. */
export interface RootEntry {
  /** Without a leading slash, e.g. `usr/bin/env`. */
  readonly path: string;
  readonly type: "file" | "directory" | "symlink" | "link";
  /** Permission bits with set-id and sticky bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of links. */
  readonly target: string;
  readonly content: Uint8Array;
}

const none = new Uint8Array();

export function fileEntry(path: string, content: string | Uint8Array, mode = 0o644): RootEntry {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return { path, type: "file", mode, uid: 0, gid: 0, target: "", content: bytes };
}

export function directoryEntry(path: string, mode = 0o755): RootEntry {
  return { path, type: "directory", mode, uid: 0, gid: 0, target: "", content: none };
}

export function symlinkEntry(path: string, target: string): RootEntry {
  return { path, type: "symlink", mode: 0o777, uid: 0, gid: 0, target, content: none };
}

/** What a Debian package installs, in its own order. */
export function readPackageFiles(packageFile: string): AsyncGenerator<RootEntry> {
  return readTarOf("--fsys-tarfile", packageFile);
}

/** What dpkg keeps about a package: `control`, maintainer scripts, checksums, by name. */
export async function readPackageControl(packageFile: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for await (const entry of readTarOf("--ctrl-tarfile", packageFile)) {
    if (entry.type === "file") files.set(entry.path, entry.content);
  }
  return files;
}

async function* readTarOf(option: string, packageFile: string): AsyncGenerator<RootEntry> {
  const child = spawn("dpkg-deb", [option, packageFile], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const entries = extract();
  // A value, not a rejection: a reader that stops early leaves it behind.
  const feeding = pipeline(child.stdout, entries).then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  for await (const entry of entries) {
    const { header } = entry;
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) if (chunk instanceof Uint8Array) chunks.push(chunk);
    const path = header.name.replace(/^\.?\//, "").replace(/\/$/, "");
    const { type } = header;
    if (path === "" || path === ".") continue;
    if (type !== "file" && type !== "directory" && type !== "symlink" && type !== "link") {
      throw new Error(`${packageFile} holds a ${type}, ${path}`);
    }
    const target = type === "link" ? header.linkname.replace(/^\.?\//, "") : (header.linkname ?? "");
    yield {
      path,
      type,
      mode: header.mode,
      uid: header.uid,
      gid: header.gid,
      target,
      content: Buffer.concat(chunks),
    };
  }
  const failed = await feeding;
  if (failed !== undefined) throw failed.error;
  const [exitCode] = await exited;
  if (exitCode !== 0) throw new Error(`dpkg-deb ${option} ${packageFile} ended with exit code ${exitCode}`);
}
