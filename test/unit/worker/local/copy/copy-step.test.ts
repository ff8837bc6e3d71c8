import { execFileSync } from "node:child_process";
import { chmod, lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { Failure } from "../../../../../src/diagnostics/failure.ts";
import { contentDigest } from "../../../../../src/model/identifiers.ts";
import type { ContextEntry, ContextSource, CopyOperation } from "../../../../../src/model/step-operation.ts";
import { copyStep } from "../../../../../src/worker/local/copy/copy-step.ts";
import type { StageReaders } from "../../../../../src/worker/local/copy/stage-readers.ts";
import { stepRefusal } from "../../../../../src/worker/local/guest/step-refused.ts";
import { canRunHelper } from "../../../../support/guest-helper.ts";
import { type HelperGuest, helperGuest } from "../../../../support/helper-guest.ts";
import { temporaryFolder } from "../../../../support/temporary-folder.ts";

const own = { userId: process.getuid?.() ?? 0, groupId: process.getgid?.() ?? 0 };
const isRoot = own.userId === 0;
const contents = new Map<string, Buffer>();
const never = new AbortController().signal;

function file(path: string, content: string | Buffer, mode = 0o644): ContextEntry & { kind: "file" } {
  const digest = contentDigest((contents.size + 1).toString(16).padStart(32, "0"));
  contents.set(digest, Buffer.from(content));
  return { kind: "file", path, mode, sizeBytes: Buffer.byteLength(content), digest };
}

function directory(path: string, mode = 0o755): ContextEntry {
  return { kind: "directory", path, mode };
}

function folderSource(...entries: readonly ContextEntry[]): ContextSource {
  return { written: "src", kind: "directory", name: "src", entries: [directory(""), ...entries] };
}

function fileSource(name: string, content: string, mode?: number): ContextSource {
  return { written: name, kind: "file", name, entries: [file("", content, mode)] };
}

const stages: StageReaders = {
  async read() {
    throw new Error("a COPY of the context reads no stage");
  },
};

type CopyMore = Partial<CopyOperation> & {
  readonly signal?: AbortSignal;
  readonly onOpen?: (digest: string) => void;
};

async function copy(
  guest: HelperGuest,
  destination: string,
  sources: readonly ContextSource[],
  { signal = never, onOpen, ...more }: CopyMore = {},
): Promise<void> {
  const operation: CopyOperation = {
    kind: "copy",
    source: { kind: "context", sources },
    destination,
    destinationIsDirectory: false,
    owner: isRoot ? null : { user: String(own.userId), group: String(own.groupId) },
    mode: null,
    directories: [],
    ...more,
  };
  const openContent = async (digest: string) => {
    onOpen?.(digest);
    return Readable.from([contents.get(digest) ?? Buffer.alloc(0)]);
  };
  await copyStep(stages, guest, operation, { onEvent: () => undefined, openContent }, signal);
}

/** The code that a step ends with when its COPY throws. */
async function codeOf(copying: Promise<void>): Promise<string> {
  try {
    await copying;
  } catch (error) {
    if (error instanceof Failure) return error.code;
    const refusal = stepRefusal(error);
    if (refusal?.kind !== "refused") throw error;
    return refusal.code;
  }
  return "done";
}

async function modeOf(path: string): Promise<number> {
  return (await lstat(path)).mode & 0o7777;
}

describe.runIf(canRunHelper)("a COPY of the context", () => {
  test("writes all sources with one helper and few messages, and every file is whole", async () => {
    await using folder = await temporaryFolder();
    const guest = await helperGuest(folder.path);
    const many = Array.from({ length: 1_000 }, (_, number) => file(`d/${number}`, `content ${number}`));
    const large = file("large", Buffer.alloc(700_001, "0123456789"));
    const empty = file("empty", "");
    await copy(guest, "/to/there", [
      folderSource(directory("d", 0o750), ...many, large, empty),
      folderSource(file("more", "more"), { kind: "symlink", path: "link", target: "d/7" }),
    ]);
    const root = join(guest.root, "to/there");
    expect((await readdir(root)).sort()).toEqual(["d", "empty", "large", "link", "more"]);
    expect(await readdir(join(root, "d"))).toHaveLength(1_000);
    expect(await readFile(join(root, "d/999"), "utf8")).toBe("content 999");
    expect(await readFile(join(root, "large"))).toEqual(Buffer.alloc(700_001, "0123456789"));
    expect(await readFile(join(root, "empty"), "utf8")).toBe("");
    expect(await readlink(join(root, "link"))).toBe("d/7");
    expect(await modeOf(join(root, "d"))).toBe(0o750);
    expect(guest.inputMessages()).toBeLessThan(6);
    expect(guest.running()).toBe(0);
  });

  test("replaces files and links, merges directories, and leaves the destination's own mode", async () => {
    await using folder = await temporaryFolder();
    const guest = await helperGuest(folder.path);
    const root = join(guest.root, "d");
    await mkdir(join(root, "sub"), { recursive: true });
    await chmod(root, 0o711);
    await chmod(join(root, "sub"), 0o700);
    await writeFile(join(root, "old"), "old");
    await writeFile(join(root, "kept"), "kept");
    await symlink("kept", join(root, "was-link"));
    await symlink("d", join(guest.root, "to-d"));
    await copy(guest, "/to-d", [
      folderSource(
        file("old", "new", 0o600),
        directory("sub"),
        file("sub/in", "in"),
        file("was-link", "file"),
      ),
    ]);
    expect((await readdir(root)).sort()).toEqual(["kept", "old", "sub", "was-link"]);
    expect(await readFile(join(root, "old"), "utf8")).toBe("new");
    expect(await readFile(join(root, "kept"), "utf8")).toBe("kept");
    expect(await readFile(join(root, "was-link"), "utf8")).toBe("file");
    expect((await lstat(join(root, "was-link"))).isFile()).toBe(true);
    expect([await modeOf(root), await modeOf(join(root, "sub")), await modeOf(join(root, "old"))]).toEqual([
      0o711, 0o755, 0o600,
    ]);
  });

  test("a directory that is only on the way stays as it is where it is there", async () => {
    await using folder = await temporaryFolder();
    const guest = await helperGuest(folder.path);
    await mkdir(join(guest.root, "d/way"), { recursive: true });
    await chmod(join(guest.root, "d/way"), 0o700);
    const implied = (path: string) => ({ kind: "directory", path, mode: 0o755, isImplied: true }) as const;
    await copy(guest, "/d/", [
      folderSource(implied("way"), implied("new"), file("way/f", ""), file("new/f", "")),
    ]);
    expect(await modeOf(join(guest.root, "d/way"))).toBe(0o700);
    expect(await modeOf(join(guest.root, "d/new"))).toBe(0o755);
  });

  test("what is in the way is named by its code, and stays", async () => {
    await using folder = await temporaryFolder();
    const guest = await helperGuest(folder.path);
    await mkdir(join(guest.root, "d/sub"), { recursive: true });
    await mkdir(join(guest.root, "elsewhere"));
    await writeFile(join(guest.root, "d/file"), "there");
    await symlink("../elsewhere", join(guest.root, "d/link"));
    expect(await codeOf(copy(guest, "/d", [folderSource(file("sub", ""))]))).toBe("CopyFileOntoDirectory");
    expect(await codeOf(copy(guest, "/d", [folderSource(directory("file"))]))).toBe("NotADirectory");
    expect(await codeOf(copy(guest, "/d", [folderSource(directory("link"), file("link/f", ""))]))).toBe(
      "NotADirectory",
    );
    expect(await codeOf(copy(guest, "/d/file", [folderSource()]))).toBe("NotADirectory");
    expect(
      await codeOf(copy(guest, "/d/file/", [fileSource("f", "")], { destinationIsDirectory: true })),
    ).toBe("NotADirectory");
    expect(await codeOf(copy(guest, "/d", [folderSource(file("n".repeat(300), ""))]))).toBe(
      "GuestFileRefused",
    );
    expect(await readdir(join(guest.root, "elsewhere"))).toEqual([]);
    expect(await readFile(join(guest.root, "d/file"), "utf8")).toBe("there");
  });

  test("a directory that is in the way is found before any file is written", async () => {
    await using folder = await temporaryFolder();
    const guest = await helperGuest(folder.path);
    await mkdir(join(guest.root, "d"));
    await writeFile(join(guest.root, "d/z"), "there");
    const source = folderSource(file("a", ""), directory("z"));
    expect(await codeOf(copy(guest, "/d", [source]))).toBe("NotADirectory");
    expect(await readdir(join(guest.root, "d"))).toEqual(["z"]);
  });

  test("one file takes the destination's name, or goes into the directory that is there or has to be", async () => {
    await using folder = await temporaryFolder();
    const guest = await helperGuest(folder.path);
    await mkdir(join(guest.root, "there"));
    await copy(guest, "/a/b/named", [fileSource("f", "1")]);
    await copy(guest, "/there", [fileSource("f", "2")]);
    await copy(guest, "/made/", [fileSource("f", "3"), fileSource("g", "4")], {
      destinationIsDirectory: true,
    });
    await copy(guest, "/a/b/named", [fileSource("other", "5", 0o755)]);
    await symlink("named", join(guest.root, "a/b/link"));
    await copy(guest, "/a/b/link", [fileSource("f", "6")]);
    const read = (path: string) => readFile(join(guest.root, path), "utf8");
    expect(await Promise.all(["there/f", "made/f", "made/g", "a/b/named"].map(read))).toEqual([
      "2",
      "3",
      "4",
      "6",
    ]);
    expect(await readdir(join(guest.root, "a/b"))).toEqual(["link", "named"]);
  });

  test("links in the destination are followed where their targets are missing, too", async () => {
    await using folder = await temporaryFolder();
    const guest = await helperGuest(folder.path);
    await symlink("/lightbox-nowhere", join(guest.root, "dl"));
    await symlink("/lightbox-missing/deep", join(guest.root, "dm"));
    await symlink("dm", join(guest.root, "twice"));
    await copy(guest, "/dl", [fileSource("f", "1")]);
    await copy(guest, "/dm", [folderSource(file("g", "2"))]);
    await copy(guest, "/twice/sub/../h", [fileSource("f", "3")]);
    await copy(guest, "/work", [fileSource("f", "4")], {
      directories: [{ path: "/twice/sub", user: `${own.userId}:${own.groupId}` }],
    });
    await symlink("../lightbox-into", join(guest.root, "di"));
    await copy(guest, "/di/", [fileSource("f", "5")], { destinationIsDirectory: true });
    const read = (path: string) => readFile(join(guest.root, path), "utf8");
    const written = [
      "lightbox-nowhere",
      "lightbox-missing/deep/g",
      "lightbox-missing/deep/h",
      "lightbox-into/f",
    ];
    expect(await Promise.all(written.map(read))).toEqual(["1", "2", "3", "5"]);
    expect(await readdir(join(guest.root, "lightbox-missing/deep/sub"))).toEqual([]);
    expect(await readlink(join(guest.root, "dl"))).toBe("/lightbox-nowhere");
    expect(await readlink(join(guest.root, "twice"))).toBe("dm");
  });

  test("a WORKDIR that cannot be made is named by the step that makes it", async () => {
    await using folder = await temporaryFolder();
    const guest = await helperGuest(folder.path);
    await writeFile(join(guest.root, "file"), "");
    const directories = [{ path: "/file/x", user: `${own.userId}:${own.groupId}` }];
    const copying = copy(guest, "/to", [fileSource("f", "")], { directories });
    await expect(copying).rejects.toThrow("WORKDIR /file/x: /file has to be a directory");
    expect(await codeOf(copy(guest, "/to", [fileSource("f", "")], { directories }))).toBe("NotADirectory");
  });

  test("links that lead round in a circle end the step, which names one of them", async () => {
    await using folder = await temporaryFolder();
    const guest = await helperGuest(folder.path);
    await symlink("round", join(guest.root, "round"));
    const copying = copy(guest, "/round/sub/f", [fileSource("f", "")]);
    await expect(copying).rejects.toThrow("/round: Too many levels of symbolic links");
    expect(await codeOf(copy(guest, "/round", [fileSource("f", "")]))).toBe("GuestFileRefused");
    await symlink("/lightbox-none/x", join(guest.root, "l0"));
    for (let link = 1; link <= 40; link++) await symlink(`l${link - 1}`, join(guest.root, `l${link}`));
    expect(await codeOf(copy(guest, "/l39", [fileSource("f", "")]))).toBe("done");
  });

  test("a link through a file is in the way", async () => {
    await using folder = await temporaryFolder();
    const guest = await helperGuest(folder.path);
    await writeFile(join(guest.root, "file"), "");
    await symlink("file/x", join(guest.root, "through"));
    expect(await codeOf(copy(guest, "/through", [fileSource("f", "")]))).toBe("NotADirectory");
    expect(await codeOf(copy(guest, "/file/x", [folderSource()]))).toBe("NotADirectory");
  });

  test("what a source has made is the destination of the next one", async () => {
    await using folder = await temporaryFolder();
    const guest = await helperGuest(folder.path);
    await copy(guest, "/new", [
      folderSource(directory("sub", 0o700)),
      fileSource("f", "f"),
      folderSource(file("sub/g", "g")),
    ]);
    expect((await readdir(join(guest.root, "new"), { recursive: true })).sort()).toEqual([
      "f",
      "sub",
      "sub/g",
    ]);
    expect(await codeOf(copy(guest, "/one", [fileSource("f", "1"), folderSource()]))).toBe("NotADirectory");
  });

  test("--chmod and the special bits of modes are what files and directories have, whatever the mask", async () => {
    await using folder = await temporaryFolder();
    const guest = await helperGuest(folder.path);
    const sources = [folderSource(directory("d"), file("f", "content", 0o644))];
    await copy(guest, "/octal", sources, { mode: { kind: "octal", bits: 0o4777 } });
    await copy(guest, "/symbolic", sources, { mode: { kind: "symbolic", expression: "go=u,g-w,a-x+X" } });
    const modes = ["octal/f", "octal/d", "symbolic/f", "symbolic/d"].map((path) =>
      modeOf(join(guest.root, path)),
    );
    expect(await Promise.all(modes)).toEqual([0o4777, 0o4777, 0o646, 0o757]);
  });

  test.runIf(isRoot)("--chown is everything's owner, and set-id bits outlive it", async () => {
    await using folder = await temporaryFolder();
    const guest = await helperGuest(folder.path);
    const source = folderSource(
      file("f", "content", 0o6755),
      { kind: "symlink", path: "l", target: "f" },
      directory("d"),
    );
    await copy(guest, "/x/to", [source], { owner: { user: "1500", group: "1600" } });
    for (const path of ["x", "x/to", "x/to/f", "x/to/l", "x/to/d"]) {
      expect(await lstat(join(guest.root, path)), path).toMatchObject({ uid: 1500, gid: 1600 });
    }
    expect(await modeOf(join(guest.root, "x/to/f"))).toBe(0o6755);
  });

  test.runIf(isRoot)("what a directory hands on to new files in it is not taken over", async () => {
    await using folder = await temporaryFolder();
    const guest = await helperGuest(folder.path);
    await mkdir(join(guest.root, "d"));
    execFileSync("chgrp", ["1600", join(guest.root, "d")]);
    await chmod(join(guest.root, "d"), 0o2755);
    await copy(guest, "/d", [folderSource(file("f", "content"), directory("sub"))]);
    expect(await lstat(join(guest.root, "d/f"))).toMatchObject({ uid: 0, gid: 0 });
    expect(await lstat(join(guest.root, "d/sub"))).toMatchObject({ uid: 0, gid: 0 });
    expect(await modeOf(join(guest.root, "d/sub"))).toBe(0o755);
  });

  test("a file of another size than was hashed ends it, and the helper is gone then", async () => {
    await using folder = await temporaryFolder();
    const guest = await helperGuest(folder.path);
    for (const sizeBytes of [4, 6, 300_000]) {
      const changed = folderSource({ ...file("f", "12345"), sizeBytes }, file("g", "after"));
      expect(await codeOf(copy(guest, "/to", [changed]))).toBe("ContextChanged");
      expect(guest.running()).toBe(0);
    }
  });

  test("ends within a source when it is cancelled, and the helper is gone then", async () => {
    await using folder = await temporaryFolder();
    const guest = await helperGuest(folder.path);
    const abort = new AbortController();
    const many = Array.from({ length: 1_000 }, (_, number) => file(`${number}`, "x".repeat(1_000)));
    const onOpen = (digest: string) => {
      if (digest === many[600]?.digest) abort.abort(new Error("enough"));
    };
    const copying = copy(guest, "/to", [folderSource(...many)], { signal: abort.signal, onOpen });
    await expect(copying).rejects.toThrow("enough");
    expect(guest.running()).toBe(0);
    expect((await readdir(join(guest.root, "to"))).length).toBeLessThan(601);
  });
});
