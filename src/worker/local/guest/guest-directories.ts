import type { WorkingDirectory } from "../../../model/step-operation.ts";
import type { GuestFiles } from "../microvm/guest-files.ts";
import { findBehindLinks, followNames, type PathFiles } from "./guest-path.ts";
import { notADirectory, StepRefused, stepRefusal } from "./step-refused.ts";
import { identityOwner, type Owner, readAccounts, resolveIdentity } from "./users.ts";

/** What directories that have to be made get. */
export interface NewDirectory {
  readonly owner: Owner;
  readonly mode: number;
}

/** What is used of the guest's files. */
export type DirectoryFiles = PathFiles & Pick<GuestFiles, "makeDirectory" | "setAttributes">;

/**
 * Makes the directory and its missing parents; links on the way are followed inside the guest, and what they lead to is
 * made as well. One that is there keeps its owner and mode.
 * @returns whether it had to be made
 * @throws StepRefused `NotADirectory`
 */
export async function ensureDirectory(
  files: DirectoryFiles,
  path: string,
  made: NewDirectory,
): Promise<boolean> {
  const there = await findBehindLinks(files, path);
  const { found, missing } =
    there === undefined ? await followNames(files, path) : { found: there, missing: [] };
  if (found !== undefined && found.kind !== "directory") throw notADirectory(path);
  await makeDirectories(files, missing, made);
  return missing.length > 0;
}

/** @param paths none of them there yet, parents before what is in them */
export async function makeDirectories(
  files: DirectoryFiles,
  paths: readonly string[],
  { owner: { userId, groupId }, mode }: NewDirectory,
): Promise<void> {
  for (const path of paths) {
    await files.makeDirectory(path, mode);
    if (userId !== 0 || groupId !== 0) await files.setAttributes(path, { userId, groupId, mode });
  }
}

/**
 * Makes what `WORKDIR`s named, each owned by its `USER`, mode 0755.
 * @throws StepRefused that names the WORKDIR, because the step that makes it stands on another line
 */
export async function ensureWorkingDirectories(
  files: GuestFiles,
  directories: readonly WorkingDirectory[],
): Promise<void> {
  if (directories.length === 0) return;
  const accounts = await readAccounts(files);
  for (const { path, user } of directories) {
    try {
      const owner = identityOwner(resolveIdentity(user, accounts));
      await ensureDirectory(files, path, { owner, mode: 0o755 });
    } catch (error) {
      const refusal = stepRefusal(error);
      if (refusal?.kind !== "refused") throw error;
      const { code, message, hint } = refusal;
      throw new StepRefused(code, `WORKDIR ${path}: ${message}`, hint ?? undefined, { cause: error });
    }
  }
}
