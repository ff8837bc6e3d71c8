import { guestErrno } from "./guest-file.ts";
import type { GuestFiles } from "./guest-files.ts";

/**
 * What the microVM runtime writes into the guest at every boot. None of it is a step's doing, so none of it
 * goes into a layer; what a step writes there itself is lost, as in containers.
 */
const rewrittenAtBoot = ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"] as const;
const runtimeDirectory = "/run/microsandbox";
const profilePath = "/etc/profile";

interface SavedFile {
  readonly path: string;
  readonly content: Buffer;
}

/** What has to be put back for a builder that goes on after its layer was cut. */
export interface RemovedRuntimeFiles {
  readonly files: readonly SavedFile[];
}

/** Takes the runtime's files out of the guest's root filesystem. */
export async function removeRuntimeFiles(files: GuestFiles): Promise<RemovedRuntimeFiles> {
  const saved = await Promise.all(rewrittenAtBoot.map((path) => removeSaved(files, path)));
  await cleanProfile(files);
  await ignoreMissing(files.removeDirectory(runtimeDirectory, { recursive: true }));
  return { files: saved.filter((file) => file !== undefined) };
}

export async function restoreRuntimeFiles(files: GuestFiles, removed: RemovedRuntimeFiles): Promise<void> {
  await Promise.all(removed.files.map(({ path, content }) => files.writeFile(path, 0o644, content)));
}

async function removeSaved(files: GuestFiles, path: string): Promise<SavedFile | undefined> {
  const found = await files.lstatIfExists(path);
  if (found === undefined || found.kind === "directory") return undefined;
  // A link is the image's or a step's own; the runtime only wrote through it.
  if (found.kind === "symlink") return undefined;
  const content = await files.readFile(path);
  await files.removeFile(path);
  return { path, content };
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

async function ignoreMissing(action: Promise<void>): Promise<void> {
  try {
    await action;
  } catch (error) {
    if (guestErrno(error) !== "ENOENT") throw error;
  }
}
