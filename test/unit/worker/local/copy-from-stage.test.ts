import { createReadStream } from "node:fs";
import { lstat, mkdir, readdir, readlink, realpath, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { StageSelection } from "../../../../src/model/step-operation.ts";
import {
  literalPattern,
  type StageReader,
  stageTrees,
} from "../../../../src/worker/local/copy-from-stage.ts";
import { type GuestFile, GuestFileError } from "../../../../src/worker/local/guest-file.ts";
import { plainSelection } from "../../../support/plain-operations.ts";
import { type TemporaryFolder, temporaryFolder } from "../../../support/temporary-folder.ts";

/** A folder of this host as a stage's root. */
function reader(root: string): StageReader {
  const at = (path: string) => join(root, path);
  const inStage = (path: string) => path.slice(root.length) || "/";
  const describe = async (path: string, found: Awaited<ReturnType<typeof lstat>>): Promise<GuestFile> => ({
    path,
    kind: found.isDirectory()
      ? "directory"
      : found.isSymbolicLink()
        ? "symlink"
        : found.isFile()
          ? "file"
          : "other",
    sizeBytes: Number(found.size),
    mode: Number(found.mode) & 0o7777,
    userId: 5,
    groupId: 6,
    modifiedSeconds: 7,
  });
  const orMissing = async (path: string, look: typeof lstat): Promise<GuestFile | undefined> => {
    try {
      return await describe(path, await look(at(path)));
    } catch {
      return undefined;
    }
  };
  const orThrow = async (path: string, look: typeof lstat): Promise<GuestFile> => {
    const found = await orMissing(path, look);
    if (found === undefined) throw new GuestFileError(path, "ENOENT", "not there");
    return found;
  };
  return {
    lstat: (path) => orThrow(path, lstat),
    stat: (path) => orThrow(path, stat as typeof lstat),
    lstatIfExists: (path) => orMissing(path, lstat),
    statIfExists: (path) => orMissing(path, stat as typeof lstat),
    list: async (path) =>
      Promise.all((await readdir(at(path))).sort().map((name) => orThrow(join(path, name), lstat))),
    realPath: async (path) => inStage(await realpath(at(path))),
    readLink: (path) => readlink(at(path)),
    read: async function* (path) {
      for await (const chunk of createReadStream(at(path))) yield chunk as Uint8Array;
    },
  };
}

async function stage(): Promise<TemporaryFolder> {
  const folder = await temporaryFolder();
  await mkdir(join(folder.path, "tree/a/deep"), { recursive: true });
  await mkdir(join(folder.path, "tree/b"));
  await writeFile(join(folder.path, "tree/a/one.txt"), "1");
  await writeFile(join(folder.path, "tree/a/deep/two.txt"), "2");
  await writeFile(join(folder.path, "tree/b/three.log"), "3");
  await symlink("a/one.txt", join(folder.path, "tree/link"));
  return folder;
}

async function selected(
  folder: TemporaryFolder,
  selection: Partial<StageSelection> & Pick<StageSelection, "paths">,
): Promise<unknown[]> {
  const trees = await stageTrees(reader(folder.path), { ...plainSelection, ...selection });
  return trees.map(({ kind, entries }) => [
    kind,
    ...entries.map((entry) =>
      entry.kind === "directory" && entry.isImplied ? `(${entry.path})` : entry.path,
    ),
  ]);
}

test("a directory comes with all below it, and links in it stay links", async () => {
  await using folder = await stage();
  expect(await selected(folder, { paths: ["/tree", "/tree/link"] })).toEqual([
    ["directory", "", "a", "b", "link", "a/deep", "a/one.txt", "b/three.log", "a/deep/two.txt"],
    ["file", ""],
  ]);
});

test("excluded paths stay out, with what is in them, unless something in them is taken back", async () => {
  await using folder = await stage();
  expect(
    await selected(folder, { paths: ["/tree"], excludes: ["**/*.log", "a", "!a/deep/two.txt"] }),
  ).toEqual([["directory", "", "a", "b", "link", "a/deep", "a/deep/two.txt"]]);
  expect(await selected(folder, { paths: ["/tree/b/three.log"], excludes: ["*.log"] })).toEqual([]);
});

test("parents are kept from the root on, or from where the path says, and are implied", async () => {
  await using folder = await stage();
  const keepsParents = true;
  expect(await selected(folder, { paths: ["/tree/a/deep"], keepsParents })).toEqual([
    ["directory", "()", "(tree)", "(tree/a)", "tree/a/deep", "tree/a/deep/two.txt"],
  ]);
  expect(await selected(folder, { paths: ["/tree/./**/*.txt"], keepsParents })).toEqual([
    ["directory", "()", "(a)", "a/one.txt"],
    ["directory", "()", "(a)", "(a/deep)", "a/deep/two.txt"],
  ]);
});

test("a path that is not there is an error with near names, unless it need not be there", async () => {
  await using folder = await stage();
  await expect(selected(folder, { paths: ["/tree/bb"] })).rejects.toMatchObject({
    code: "CopySourceNotFound",
    hint: expect.stringContaining("b"),
  });
  expect(await selected(folder, { paths: ["/tree/bb", "/none/*"], ifExists: true })).toEqual([]);
});

test("a literal pattern names nothing but its path", async () => {
  await using folder = await stage();
  await writeFile(join(folder.path, "[a]*?\\"), "");
  expect(await selected(folder, { paths: [literalPattern("/[a]*?\\")] })).toEqual([["file", ""]]);
});
