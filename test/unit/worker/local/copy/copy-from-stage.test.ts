import { execFileSync } from "node:child_process";
import { createReadStream } from "node:fs";
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { StageSelection } from "../../../../../src/model/step-operation.ts";
import {
  literalPattern,
  type StageGuest,
  type StageReader,
  stageTrees,
} from "../../../../../src/worker/local/copy/copy-from-stage.ts";
import { placeTrees } from "../../../../../src/worker/local/copy/copy-places.ts";
import { copyTreeStream } from "../../../../../src/worker/local/copy/copy-tree-stream.ts";
import { unpackTree } from "../../../../../src/worker/local/guest/guest-trees.ts";
import { type GuestFile, GuestFileError } from "../../../../../src/worker/local/microvm/guest-file.ts";
import { canRunHelper } from "../../../../support/guest-helper.ts";
import { type HelperGuest, helperGuest } from "../../../../support/helper-guest.ts";
import { plainSelection } from "../../../../support/plain-operations.ts";
import { temporaryFolder } from "../../../../support/temporary-folder.ts";

const own = { userId: process.getuid?.() ?? 0, groupId: process.getgid?.() ?? 0 };
const isRoot = own.userId === 0;

/** A folder of this host as a stage's root: what its agent does, each call counted. */
function reader(root: string, onCall: () => void): StageReader {
  const at = (path: string) => {
    onCall();
    return join(root, path);
  };
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
    stat: (path) => orThrow(path, stat as typeof lstat),
    lstatIfExists: (path) => orMissing(path, lstat),
    statIfExists: (path) => orMissing(path, stat as typeof lstat),
    list: async (path) =>
      Promise.all(
        (await readdir(at(path))).sort().map(async (name) => {
          const whole = join(path, name);
          return await describe(whole, await lstat(join(root, whole)));
        }),
      ),
    read: async function* (path) {
      for await (const chunk of createReadStream(at(path))) yield chunk as Uint8Array;
    },
  };
}

interface Stage extends AsyncDisposable {
  readonly path: string;
  readonly guest: HelperGuest;
  readonly reading: StageGuest;
  /** Calls of the guest so far: of its agent, of its helper, and messages to it. */
  calls(): number;
}

async function emptyStage(): Promise<Stage> {
  const folder = await temporaryFolder();
  const guest = await helperGuest(folder.path);
  let calls = 0;
  const count = (): void => {
    calls += 1;
  };
  const reading: StageGuest = {
    name: "stage",
    files: reader(guest.root, count),
    start: (command) => {
      count();
      return guest.start(command);
    },
  };
  return {
    path: guest.root,
    guest,
    reading,
    calls: () => calls + guest.inputMessages(),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

async function stage(): Promise<Stage> {
  const folder = await emptyStage();
  await mkdir(join(folder.path, "tree/a/deep"), { recursive: true });
  await mkdir(join(folder.path, "tree/b"));
  await writeFile(join(folder.path, "tree/a/one.txt"), "1");
  await writeFile(join(folder.path, "tree/a/deep/two.txt"), "2");
  await writeFile(join(folder.path, "tree/b/three.log"), "3");
  await symlink("a/one.txt", join(folder.path, "tree/link"));
  return folder;
}

async function selected(
  folder: Stage,
  selection: Partial<StageSelection> & Pick<StageSelection, "paths">,
): Promise<unknown[]> {
  const trees = await stageTrees(folder.reading, { ...plainSelection, ...selection });
  return trees.map(({ kind, entries }) => [
    kind,
    ...entries.map((entry) =>
      entry.kind === "directory" && entry.isImplied ? `(${entry.path})` : entry.path,
    ),
  ]);
}

describe.runIf(canRunHelper)("files of a stage", () => {
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

  const many = 1_500;

  async function writeMany(root: string, count: number): Promise<void> {
    for (let part = 0; part < 10; part += 1) await mkdir(join(root, `many/${part}`), { recursive: true });
    for (let number = 0; number < count; number += 1) {
      await writeFile(join(root, `many/${number % 10}/${number}`), `content ${number}`);
    }
  }

  /** Copies `/many` from one stage's root into another folder's. @returns the calls of the stage that it took */
  async function copyMany(from: Stage, to: Stage, selection: Partial<StageSelection> = {}): Promise<number> {
    const before = from.calls();
    const trees = await stageTrees(from.reading, { ...plainSelection, paths: ["/many"], ...selection });
    const operation = { destination: "/to", destinationIsDirectory: true };
    const parents = { owner: own, mode: 0o755 };
    const placed = await placeTrees(to.guest.files, { operation, parents }, trees);
    const { signal } = new AbortController();
    const stream = copyTreeStream(placed, { owner: isRoot ? null : own, mode: null, signal });
    expect(await unpackTree(to.guest, "", stream)).toBe(true);
    return from.calls() - before;
  }

  test("many take as many calls of the guest as few, alone and by a wildcard", async () => {
    for (const paths of [["/many"], ["/many/*/*"]]) {
      const calls: number[] = [];
      for (const count of [20, many]) {
        await using from = await emptyStage();
        await using to = await emptyStage();
        await writeMany(from.path, count);
        calls.push(await copyMany(from, to, { paths }));
        const names = await readdir(join(to.path, "to"), { recursive: true });
        expect(names.filter((name) => /\d+$/.test(name)).length).toBeGreaterThanOrEqual(count);
      }
      expect(calls[1]).toBe(calls[0]);
    }
  });

  test("arrive as they are: content, modes, links, owners; hard links as files; large ones, too", async () => {
    await using from = await emptyStage();
    await using to = await emptyStage();
    await writeMany(from.path, 5);
    const large = Buffer.alloc(700_001, "0123456789");
    await writeFile(join(from.path, "many/large"), large);
    await writeFile(join(from.path, "many/empty"), "");
    await writeFile(join(from.path, "many/ü b\nc"), "odd name");
    await chmod(join(from.path, "many/3/3"), 0o4711);
    await chmod(join(from.path, "many/4"), 0o1770);
    await symlink("../nowhere", join(from.path, "many/link"));
    execFileSync("ln", [join(from.path, "many/1/1"), join(from.path, "many/hard")]);
    if (isRoot) execFileSync("chown", ["-h", "123:456", join(from.path, "many/2/2")]);
    execFileSync("touch", ["-d", "2001-02-03T04:05:06Z", join(from.path, "many/2/2")]);
    await copyMany(from, to);
    const at = (path: string): string => join(to.path, "to", path);
    expect(await readFile(at("1/1"), "utf8")).toBe("content 1");
    expect(await readFile(at("large"))).toEqual(large);
    expect(await readFile(at("empty"), "utf8")).toBe("");
    expect(await readFile(at("ü b\nc"), "utf8")).toBe("odd name");
    expect(await readlink(at("link"))).toBe("../nowhere");
    expect(await readFile(at("hard"), "utf8")).toBe("content 1");
    expect((await lstat(at("hard"))).nlink).toBe(1);
    expect((await lstat(at("3/3"))).mode & 0o7777).toBe(0o4711);
    expect((await lstat(at("4"))).mode & 0o7777).toBe(0o1770);
    const { uid, gid, mtime } = await lstat(at("2/2"));
    expect(mtime.toISOString()).toBe("2001-02-03T04:05:06.000Z");
    if (isRoot) expect([uid, gid]).toEqual([123, 456]);
  });

  test("a source that is a link, or is reached through one, is followed", async () => {
    await using from = await stage();
    await symlink("tree/a", join(from.path, "to-a"));
    expect(await selected(from, { paths: ["/to-a"] })).toEqual([
      ["directory", "", "deep", "one.txt", "deep/two.txt"],
    ]);
    expect(await selected(from, { paths: ["/to-a/deep"] })).toEqual([["directory", "", "two.txt"]]);
  });

  test("what the runtime mounts is no part of it, and is not looked into", async () => {
    await using from = await stage();
    await mkdir(join(from.path, "proc/1"), { recursive: true });
    await symlink("/", join(from.path, "tree/b/root"));
    expect(await selected(from, { paths: ["/"], excludes: ["tree"] })).toEqual([["directory", ""]]);
    expect(await selected(from, { paths: ["/*"], excludes: ["*"] })).toEqual([["directory", ""]]);
  });

  test("a pipe cannot be copied, and is named", async () => {
    await using from = await stage();
    execFileSync("mkfifo", [join(from.path, "tree/b/pipe")]);
    await expect(selected(from, { paths: ["/tree"] })).rejects.toMatchObject({
      code: "CopyUnsupportedFile",
      message: expect.stringContaining("/tree/b/pipe"),
    });
  });

  test("a file that is gone when it is read fails the copy", async () => {
    await using from = await stage();
    const [tree] = await stageTrees(from.reading, { ...plainSelection, paths: ["/tree/a"] });
    const file = tree?.entries.find(({ path }) => path === "one.txt");
    if (file?.kind !== "file") throw new Error("not listed");
    await rm(join(from.path, "tree/a/one.txt"));
    await expect(file.open()).rejects.toMatchObject({ errno: "ENOENT" });
  });
});
