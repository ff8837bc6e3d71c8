import { rewrittenFiles } from "../../../model/rewritten-files.ts";
import { guestErrno } from "../microvm/guest-file.ts";
import type { GuestFiles } from "../microvm/guest-files.ts";

const runtimeDirectory = "/run/microsandbox";
const profilePath = "/etc/profile";
/** Made at every boot where the root filesystem has none; children before their parents. */
const runtimeDirectories = ["/run", "/etc", "/var/tmp", "/var", "/tmp"] as const;

/** A file that the runtime writes; null content: it is not there, or not a file. */
export interface RuntimeFile {
  readonly path: string;
  readonly content: Buffer | null;
}

/** Takes the runtime's files out of the guest's root filesystem. */
export async function removeRuntimeFiles(files: GuestFiles): Promise<void> {
  await Promise.all(rewrittenFiles.map((path) => removeOwn(files, path)));
  await cleanProfile(files);
  await ignore(["ENOENT"], files.removeDirectory(runtimeDirectory, { recursive: true }));
}

/** For a guest that nothing runs in, and whose image has no folder of its own: then these are the runtime's. */
export async function removeEmptyRuntimeDirectories(files: GuestFiles): Promise<void> {
  for (const path of runtimeDirectories) {
    await ignore(["ENOENT", "ENOTDIR", "ENOTEMPTY"], files.removeDirectory(path, { recursive: false }));
  }
}

/** The files that the runtime writes anew at every boot, as they are. */
export async function readRuntimeFiles(files: GuestFiles): Promise<readonly RuntimeFile[]> {
  return await Promise.all(
    rewrittenFiles.map(async (path) => ({ path, content: await readOwn(files, path) })),
  );
}

/** Has them be as they were: what a step wrote there is not for the next one, whether a layer is cut between them or not. */
export async function restoreRuntimeFiles(files: GuestFiles, wanted: readonly RuntimeFile[]): Promise<void> {
  await Promise.all(wanted.map((file) => restore(files, file)));
}

async function restore(files: GuestFiles, { path, content }: RuntimeFile): Promise<void> {
  const present = await readOwn(files, path);
  if (content === null ? present === null : present?.equals(content)) return;
  if (content === null) await files.removeFile(path);
  else if (present !== null || (await files.lstatIfExists(path)) === undefined) {
    await files.writeFile(path, 0o644, content);
  }
}

/** Null: it is not there, or not the runtime's: a link is the image's or a step's, and the runtime writes through it. */
async function readOwn(files: GuestFiles, path: string): Promise<Buffer | null> {
  const found = await files.lstatIfExists(path);
  return found?.kind === "file" ? await files.readFile(path) : null;
}

async function removeOwn(files: GuestFiles, path: string): Promise<void> {
  const found = await files.lstatIfExists(path);
  if (found?.kind === "file") await files.removeFile(path);
}

const profileBlock = /\n?# >>> microsandbox scripts path >>>\n[\s\S]*?# <<< microsandbox scripts path <<<\n/;

/** The profile without the lines that the runtime appends at every boot. */
export function withoutRuntimeProfile(profile: string): string {
  const block = profileBlock.exec(profile);
  if (block === null) return profile;
  const before = profile.slice(0, block.index);
  const after = profile.slice(block.index + block[0].length);
  return `${before}${before !== "" && !before.endsWith("\n") ? "\n" : ""}${after}`;
}

async function cleanProfile(files: GuestFiles): Promise<void> {
  const found = await files.lstatIfExists(profilePath);
  if (found?.kind !== "file") return;
  const profile = (await files.readFile(profilePath)).toString("latin1");
  const clean = withoutRuntimeProfile(profile);
  if (clean === profile) return;
  if (clean === "") {
    await files.removeFile(profilePath);
    return;
  }
  await files.writeFile(profilePath, found.mode, Buffer.from(clean, "latin1"));
  const { userId, groupId, mode } = found;
  if (userId !== 0 || groupId !== 0) await files.setAttributes(profilePath, { userId, groupId, mode });
}

async function ignore(errnos: readonly string[], action: Promise<void>): Promise<void> {
  try {
    await action;
  } catch (error) {
    const errno = guestErrno(error);
    if (errno === undefined || !errnos.includes(errno)) throw error;
  }
}
