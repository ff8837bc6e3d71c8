import { execFileSync } from "node:child_process";
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import type { CopyTree } from "../../../../../src/worker/local/copy/copy-tree.ts";
import { copyTreeStream } from "../../../../../src/worker/local/copy/copy-tree-stream.ts";
import { inMessages, treeRefused } from "../../../../../src/worker/local/guest/guest-trees.ts";
import { stepRefusal } from "../../../../../src/worker/local/guest/step-refused.ts";
import { treeEnd, treeHeader, treeHeaderBytes } from "../../../../../src/worker/local/guest/tree-stream.ts";
import { collect } from "../../../../support/collect.ts";
import { canRunHelper, guestHelper } from "../../../../support/guest-helper.ts";
import { temporaryFolder } from "../../../../support/temporary-folder.ts";

const own = { userId: process.getuid?.() ?? 0, groupId: process.getgid?.() ?? 0 };

/** Everything in a folder, with what is to be kept of it. */
async function look(folder: string): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    const path = join(folder, name);
    const { mode, size, mtimeMs, uid, gid } = await lstat(path);
    const isLink = (mode & 0o170000) === 0o120000;
    const isFile = (mode & 0o170000) === 0o100000;
    found[name] = {
      mode,
      uid,
      gid,
      mtimeMs,
      ...(isLink ? { target: await readlink(path) } : {}),
      ...(isFile ? { size, content: (await readFile(path)).toString("base64") } : {}),
    };
  }
  return found;
}

/** A tree as a stream, without `--chown` and `--chmod`. */
function stream(tree: CopyTree, place: string): AsyncGenerator<Uint8Array> {
  const signal = new AbortController().signal;
  return copyTreeStream([{ tree, place, keepsRoot: false }], { owner: null, mode: null, signal });
}

describe.runIf(canRunHelper)("trees as streams", () => {
  test("a folder that is packed and unpacked is the same: content, modes, links and times", async () => {
    await using folder = await temporaryFolder();
    const helper = await guestHelper(folder.path);
    const [from, to] = [join(folder.path, "from"), join(folder.path, "to")];
    await mkdir(join(from, "deep/er"), { recursive: true });
    await mkdir(to);
    await writeFile(join(from, "deep/er/large"), Buffer.alloc(300_001, "0123456789"));
    await writeFile(join(from, "empty"), "");
    await chmod(join(from, "empty"), 0o4751);
    await symlink("../nowhere", join(from, "deep/link"));
    execFileSync("mkfifo", [join(from, "pipe")]);
    await utimes(join(from, "deep/er/large"), 1_000_000_000.123, 1_000_000_000.123);
    await utimes(join(from, "deep"), 1_000_000_001, 1_000_000_001);
    const packed = await helper(["pack", from]);
    expect(packed).toMatchObject({ exitCode: 0, message: "" });
    expect(packed.output.subarray(-treeHeaderBytes)).toEqual(treeEnd);
    expect(await helper(["unpack", to], Readable.from([packed.output]))).toMatchObject({ exitCode: 0 });
    expect(await look(to)).toEqual(await look(from));
    // Over what is there already, too.
    expect(await helper(["unpack", to], Readable.from([packed.output]))).toMatchObject({ exitCode: 0 });
    expect(await look(to)).toEqual(await look(from));
  });

  test("a stream that breaks off anywhere is told from a whole one", async () => {
    await using folder = await temporaryFolder();
    const helper = await guestHelper(folder.path);
    const [from, to] = [join(folder.path, "from"), join(folder.path, "to")];
    await mkdir(from);
    await mkdir(to);
    await writeFile(join(from, "file"), "content");
    const { output } = await helper(["pack", from]);
    for (let length = 0; length < output.length; length += 7) {
      const cut = Readable.from([output.subarray(0, length)], { objectMode: true });
      expect((await helper(["unpack", to], cut)).exitCode).toBe(6);
    }
  });

  test("what is in the way of a directory is named, and nothing is put in its place", async () => {
    await using folder = await temporaryFolder();
    const helper = await guestHelper(folder.path);
    await writeFile(join(folder.path, "there"), "a file");
    const header = treeHeader({
      kind: "directory",
      path: "there",
      link: "",
      mode: 0o755,
      owner: own,
      sizeBytes: 0,
      modifiedMs: null,
    });
    if (header === undefined) throw new Error("the path is too long");
    const result = await helper(["unpack", folder.path], Readable.from([header, treeEnd]));
    expect(result.exitCode).toBe(7);
    expect(result.message).toContain(`${folder.path}/there: has to be a directory`);
    expect(treeRefused(7, result.message)).toMatchObject({ errno: "ENOTDIR", path: `${folder.path}/there` });
    expect(await readFile(join(folder.path, "there"), "utf8")).toBe("a file");
  });

  test("files of the context arrive with their modes, and a file alone under the name it is given", async () => {
    await using folder = await temporaryFolder();
    const helper = await guestHelper(folder.path);
    const common = { owner: own, modifiedSeconds: null };
    const open = async () => Readable.from([Buffer.from("12345")]);
    const file = { kind: "file", ...common, mode: 0o600, sizeBytes: 5, open } as const;
    const directory = { kind: "directory", ...common, mode: 0o750, isImplied: false } as const;
    const tree = {
      written: "src",
      kind: "directory",
      name: "src",
      entries: [
        { ...directory, path: "" },
        { ...directory, path: "a" },
        { ...file, path: "a/b" },
        { kind: "symlink", ...common, path: "c", target: "a/b" },
      ],
    } as const;
    await mkdir(join(folder.path, "to"));
    expect(await helper(["unpack", join(folder.path, "to")], stream(tree, ""))).toMatchObject({
      exitCode: 0,
    });
    expect(await readFile(join(folder.path, "to/c"), "utf8")).toBe("12345");
    expect((await lstat(join(folder.path, "to/a"))).mode & 0o7777).toBe(0o750);
    expect((await lstat(join(folder.path, "to/a/b"))).mode & 0o7777).toBe(0o600);
    const alone = { ...tree, kind: "file", entries: [{ ...file, path: "" }] } as const;
    await helper(["unpack", join(folder.path, "to")], stream(alone, "given"));
    expect(await readFile(join(folder.path, "to/given"), "utf8")).toBe("12345");
  });

  test("a file that is not as long as it was is not passed on as whole", async () => {
    const open = async () => Readable.from([Buffer.from("123")]);
    const common = { owner: own, modifiedSeconds: null, mode: 0o644, path: "" };
    const tree = {
      written: "f",
      kind: "file",
      name: "f",
      entries: [{ kind: "file", ...common, sizeBytes: 5, open }],
    } as const;
    await expect(buffer(Readable.from(stream(tree, "f")))).rejects.toMatchObject({
      code: "ContextChanged",
    });
  });
});

test("a disk that is full and a refusal of the kernel have their own codes", () => {
  const full = treeRefused(8, "/a: b/c: no space left (os error 28)\n");
  expect(stepRefusal(full)).toMatchObject({
    code: "NoSpaceLeft",
    message: "no space left on the builder's disk while writing /a: b/c",
  });
  expect(stepRefusal(treeRefused(7, "/proc/x: failed (os error 30)\n"))).toMatchObject({
    code: "GuestFileRefused",
    message: "/proc/x: failed",
    hint: expect.stringContaining("read-only"),
  });
  expect(stepRefusal(treeRefused(125, "odd"))).toMatchObject({ code: "GuestFileRefused" });
});

test("a stream of small parts is few messages, one of large parts none too large", async () => {
  const parts = [...Array.from({ length: 5_000 }, () => 100), 1_000_000, 0, 7];
  const bytes = Buffer.alloc(1_500_007, "0123456789");
  const cut: Buffer[] = [];
  let at = 0;
  for (const length of parts) {
    cut.push(bytes.subarray(at, at + length));
    at += length;
  }
  const messages = await collect(inMessages(Readable.from(cut)));
  expect(Buffer.concat(messages)).toEqual(bytes);
  expect(messages).toHaveLength(6);
  expect(await collect(inMessages(Readable.from([])))).toEqual([]);
});
