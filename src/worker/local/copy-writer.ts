import { posix } from "node:path";
import pLimit from "p-limit";
import { Failure } from "../../diagnostics/failure.ts";
import type { CopyMode } from "../../model/step-operation.ts";
import type { CopyDirectory, CopyEntry, CopyFile, CopySymlink, CopyTree } from "./copy-tree.ts";
import { appliedMode } from "./file-mode.ts";
import { guestErrno } from "./guest-file.ts";
import type { GuestFiles } from "./guest-files.ts";
import { notADirectory, StepRefused } from "./step-refused.ts";
import type { Owner } from "./users.ts";

/** Hides the guest's answer time; more does not help, because its agent does one thing at a time. */
const filesAtOnce = 16;

/** Bits that the agent's mask, or a change of owner, would take away. */
const bitsToSetApart = 0o7022;

export interface CopyWriterOptions {
  readonly files: GuestFiles;
  /** Of everything copied; null: as the source has it. */
  readonly owner: Owner | null;
  readonly mode: CopyMode | null;
  readonly signal: AbortSignal;
}

/** Writes trees into the guest. Files are replaced, directories are merged. */
export class CopyWriter {
  readonly #files: GuestFiles;
  readonly #options: CopyWriterOptions;
  /** Made in this step: nothing can be in the way in them but what the step wrote itself. */
  readonly #made = new Set<string>();

  constructor(options: CopyWriterOptions) {
    this.#files = options.files;
    this.#options = options;
  }

  /**
   * @param target absolute path of the file or directory to become the tree's root, its parent resolved and there
   * @throws StepRefused when a directory meets a file or the other way round
   */
  async write(tree: CopyTree, target: string, options: { readonly keepsRoot: boolean }): Promise<void> {
    const entries = options.keepsRoot ? tree.entries.filter(({ path }) => path !== "") : tree.entries;
    for (const level of byDepth(entries.filter((entry) => entry.kind === "directory"))) {
      await this.#inParallel(level, (entry) => this.#directory(entry, posix.join(target, entry.path)));
    }
    await this.#inParallel(entries, (entry) => this.#leaf(entry, posix.join(target, entry.path)));
    await this.#setDirectoryTimes(entries, target);
  }

  async #inParallel<Entry>(
    entries: readonly Entry[],
    action: (entry: Entry) => Promise<void>,
  ): Promise<void> {
    const limit = pLimit(filesAtOnce);
    const { signal } = this.#options;
    await Promise.all(
      entries.map((entry) =>
        limit(async () => {
          signal.throwIfAborted();
          await action(entry);
        }),
      ),
    ).finally(() => limit.clearQueue());
  }

  async #directory(entry: CopyDirectory, path: string): Promise<void> {
    const mode = appliedMode(this.#options.mode, entry.mode, true);
    const isInMade = this.#made.has(posix.dirname(path));
    const found = isInMade && !this.#made.has(path) ? undefined : await this.#files.lstatIfExists(path);
    if (found !== undefined && found.kind !== "directory") throw notADirectory(path);
    if (found !== undefined && entry.isImplied) return;
    await this.#files.makeDirectory(path, mode);
    if (found === undefined) this.#made.add(path);
    const owner = this.#options.owner ?? entry.owner;
    if (found === undefined && isRoot(owner)) return;
    await this.#files.setAttributes(path, { ...owner, mode });
  }

  async #leaf(entry: CopyEntry, path: string): Promise<void> {
    if (entry.kind === "file") await this.#file(entry, path);
    else if (entry.kind === "symlink") await this.#symlink(entry, path);
  }

  async #file(entry: CopyFile, path: string): Promise<void> {
    const mode = appliedMode(this.#options.mode, entry.mode, false);
    const written = await this.#replacing(path, async () => {
      return this.#files.createFile(path, mode, await entry.open());
    });
    if (written !== entry.sizeBytes) throw contentChanged(path, entry.sizeBytes, written);
    const owner = this.#options.owner ?? entry.owner;
    const { modifiedSeconds } = entry;
    const isAsOpened = isRoot(owner) && (mode & bitsToSetApart) === 0;
    if (isAsOpened && modifiedSeconds === null) return;
    await this.#files.setAttributes(path, {
      ...(isAsOpened ? {} : { ...owner, mode }),
      ...(modifiedSeconds === null ? {} : { modifiedSeconds }),
    });
  }

  async #symlink(entry: CopySymlink, path: string): Promise<void> {
    await this.#replacing(path, () => this.#files.symlink(entry.target, path));
    const owner = this.#options.owner ?? entry.owner;
    const { modifiedSeconds } = entry;
    if (isRoot(owner) && modifiedSeconds === null) return;
    await this.#files.setAttributes(path, {
      ...owner,
      ...(modifiedSeconds === null ? {} : { modifiedSeconds }),
    });
  }

  /** Runs `create`; when something is in the way, removes it and runs it again. */
  async #replacing<Result>(path: string, create: () => Promise<Result>): Promise<Result> {
    try {
      return await create();
    } catch (error) {
      if (guestErrno(error) !== "EEXIST") throw error;
      if ((await this.#files.lstat(path)).kind === "directory") throw fileOntoDirectory(path);
      await this.#files.removeFile(path);
      return create();
    }
  }

  /** Last, because what is written into a directory changes its time; innermost first. */
  async #setDirectoryTimes(entries: readonly CopyEntry[], target: string): Promise<void> {
    const dated = entries.filter(
      (entry) => entry.kind === "directory" && !entry.isImplied && entry.modifiedSeconds !== null,
    );
    await this.#inParallel(dated, async ({ path, modifiedSeconds }) => {
      if (modifiedSeconds === null) return;
      await this.#files.setAttributes(posix.join(target, path), { modifiedSeconds });
    });
  }
}

function isRoot({ userId, groupId }: Owner): boolean {
  return userId === 0 && groupId === 0;
}

/** Directories grouped so that each group's parents are in the groups before it. */
function byDepth(directories: readonly CopyDirectory[]): readonly (readonly CopyDirectory[])[] {
  const levels: CopyDirectory[][] = [];
  for (const directory of directories) {
    const depth = directory.path === "" ? 0 : directory.path.split("/").length;
    levels[depth] = [...(levels[depth] ?? []), directory];
  }
  return levels.filter((level) => level !== undefined);
}

function fileOntoDirectory(path: string): StepRefused {
  return new StepRefused(
    "CopyFileOntoDirectory",
    `${path} is a directory there and a file in the source`,
    "choose another destination, or remove the directory in an earlier RUN",
  );
}

export function contentChanged(path: string, expected: number, written: number): Failure {
  return new Failure({
    code: "ContextChanged",
    category: "usage",
    message: `the source of ${path} changed while it was read: ${written} bytes instead of ${expected}`,
    hint: "bake again when nothing writes to the context",
  });
}
