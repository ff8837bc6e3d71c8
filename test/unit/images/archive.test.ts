import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { StagedArchive } from "../../../src/images/archive-entries.ts";
import { resolveBaseImage } from "../../../src/images/image-source.ts";
import { type ImageStore, openImageStore } from "../../../src/images/image-store.ts";
import { writeOciLayout } from "../../../src/images/layout-writer.ts";
import { digestOf } from "../../../src/images/staged-blob.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { type TarFile, tarOf, tinyContent, writeTinyArchive } from "./tiny-image.ts";

const run = promisify(execFile);

async function skopeoCopy(source: string, target: string): Promise<void> {
  await run("skopeo", ["copy", "-q", source, target]);
}

function resolveIn(directory: string, reference: string, store: ImageStore, platform = "linux/amd64") {
  return resolveBaseImage(reference, { store, platform, pull: false, directory });
}

/** A rig with a store whose emptiness can be checked: nothing of a bad archive may stay. */
async function storeIn(folder: string): Promise<ImageStore & { blobs(): Promise<readonly string[]> }> {
  const store = openImageStore(join(folder, "images"));
  return { ...store, blobs: () => store.content.list() };
}

describe("archives that other tools wrote", () => {
  test("one image has the same digest as OCI archive, gzipped archive and layout folder", async () => {
    await using folder = await temporaryFolder();
    const digest = await writeTinyArchive(join(folder.path, "base.tar"));
    await writeFile(join(folder.path, "base.tgz"), gzipSync(await readFile(join(folder.path, "base.tar"))));
    await writeOciLayout(join(folder.path, "layout"), tinyContent());
    const store = openImageStore(join(folder.path, "images"));
    for (const reference of ["./base.tar", "oci-archive:base.tar", "./base.tgz", "./layout", "oci:layout"]) {
      expect((await resolveIn(folder.path, reference, store)).image).toMatchObject({ reference, digest });
    }
  });

  test("an OCI archive by skopeo is read with its configuration", async () => {
    await using folder = await temporaryFolder();
    await writeTinyArchive(join(folder.path, "base.tar"));
    await skopeoCopy(`oci-archive:${folder.path}/base.tar`, `oci-archive:${folder.path}/by-skopeo.tar:v1`);
    const store = openImageStore(join(folder.path, "images"));
    const { image } = await resolveIn(folder.path, "./by-skopeo.tar", store);
    expect(image.platform).toBe("linux/amd64");
    expect(image.configuration).toMatchObject({
      environment: { GREETING: "hi" },
      workingDirectory: "/srv",
      user: "1000",
      command: ["/bin/sh"],
    });
  });

  test("a Docker archive by skopeo has a digest of its own that does not change from store to store", async () => {
    await using folder = await temporaryFolder();
    await writeTinyArchive(join(folder.path, "base.tar"));
    await skopeoCopy(
      `oci-archive:${folder.path}/base.tar`,
      `docker-archive:${folder.path}/docker.tar:tiny:1`,
    );
    const plain = await resolveIn(folder.path, "./docker.tar", openImageStore(join(folder.path, "one")));
    const named = await resolveIn(
      folder.path,
      "docker-archive:docker.tar:tiny:1",
      openImageStore(join(folder.path, "two")),
    );
    expect(named.image.digest).toBe(plain.image.digest);
    expect(plain.image.configuration.environment.GREETING).toBe("hi");
  });

  test("of a layout with several images one has to be named, and a wrong name lists the right ones", async () => {
    await using folder = await temporaryFolder();
    for (const text of ["one", "two"]) {
      await writeTinyArchive(join(folder.path, `${text}.tar`), text);
      await skopeoCopy(`oci-archive:${folder.path}/${text}.tar`, `oci:${folder.path}/layout:${text}`);
    }
    const store = openImageStore(join(folder.path, "images"));
    const one = await resolveIn(folder.path, "oci:layout:one", store);
    const two = await resolveIn(folder.path, "oci:layout:two", store);
    expect(one.image.digest).not.toBe(two.image.digest);
    await expect(resolveIn(folder.path, "oci:layout", store)).rejects.toMatchObject({
      code: "AmbiguousImage",
      message: expect.stringContaining("one, two"),
    });
    await expect(resolveIn(folder.path, "oci:layout:three", store)).rejects.toMatchObject({
      code: "ImageNotFound",
      hint: "it holds one, two",
    });
  });

  test("an image for another platform is refused with the platform that it is for", async () => {
    await using folder = await temporaryFolder();
    await writeTinyArchive(join(folder.path, "arm.tar"), "x", "arm64");
    const store = await storeIn(folder.path);
    await expect(resolveIn(folder.path, "./arm.tar", store)).rejects.toMatchObject({
      code: "NoMatchingPlatform",
      hint: "it is made for linux/arm64",
    });
    expect(await store.blobs()).toEqual([]);
  });

  test("a repeated layer that is saved as a link is found through it", async () => {
    await using folder = await temporaryFolder();
    const layer = await tarOf([{ name: "greeting", content: "hello" }]);
    const diffId = digestOf(layer);
    const config = JSON.stringify({
      os: "linux",
      architecture: "amd64",
      rootfs: { diff_ids: [diffId, diffId] },
    });
    const manifest = JSON.stringify([
      { Config: "c.json", RepoTags: null, Layers: ["a/layer.tar", "b/layer.tar"] },
    ]);
    const archive = await tarOf([
      { name: "a/layer.tar", content: layer },
      { name: "b/layer.tar", type: "symlink", linkname: "../a/layer.tar" },
      { name: "c.json", content: config },
      { name: "manifest.json", content: manifest },
    ]);
    await writeFile(join(folder.path, "saved.tar"), archive);
    const store = openImageStore(join(folder.path, "images"));
    expect((await resolveIn(folder.path, "./saved.tar", store)).image.digest).toMatch(/^sha256:/);
  });
});

describe("archives that are damaged or hostile are ImageCorrupt, and nothing of them is kept", () => {
  const layer = Buffer.from("not even a tar");
  const config = (diffId: string) =>
    JSON.stringify({ os: "linux", architecture: "amd64", rootfs: { diff_ids: [diffId] } });
  const saved = (layerName: string, diffId: string): TarFile[] => [
    { name: "c.json", content: config(diffId) },
    { name: "manifest.json", content: JSON.stringify([{ Config: "c.json", Layers: [layerName] }]) },
  ];
  const cases: readonly [what: string, files: readonly TarFile[]][] = [
    ["an empty archive", []],
    ["something else in it", [{ name: "readme", content: "hi" }]],
    ["an entry that climbs out", [{ name: "../../etc/passwd", content: "x" }]],
    ["an entry with an absolute path", [{ name: "/etc/passwd", content: "x" }]],
    ["a link that climbs out", [{ name: "a/layer.tar", type: "symlink", linkname: "../../etc/shadow" }]],
    ["a link with an absolute target", [{ name: "layer.tar", type: "symlink", linkname: "/etc/shadow" }]],
    ["a hard link that climbs out", [{ name: "layer.tar", type: "link", linkname: "../x" }]],
    ["a pipe", [{ name: "layer.tar", type: "fifo" }]],
    [
      "the same entry twice",
      [
        { name: "manifest.json", content: "[]" },
        { name: "./manifest.json", content: "[]" },
      ],
    ],
    [
      "links in a circle",
      [
        { name: "a", type: "symlink", linkname: "b" },
        { name: "b", type: "symlink", linkname: "a" },
        ...saved("a", digestOf(layer)),
      ],
    ],
    ["a layer that is not there", saved("gone.tar", digestOf(layer))],
    [
      "a layer with another content",
      [{ name: "l.tar", content: "changed" }, ...saved("l.tar", digestOf(layer))],
    ],
    ["no image in its list", [{ name: "manifest.json", content: "[]" }]],
    ["a list that is not JSON", [{ name: "manifest.json", content: "[" }]],
    [
      "a layout of another version",
      [
        { name: "oci-layout", content: '{"imageLayoutVersion":"9"}' },
        { name: "index.json", content: '{"manifests":[]}' },
      ],
    ],
    [
      "a layout without a manifest",
      [
        { name: "oci-layout", content: '{"imageLayoutVersion":"1.0.0"}' },
        { name: "index.json", content: '{"manifests":[]}' },
      ],
    ],
    [
      "a manifest that is missing",
      [
        { name: "oci-layout", content: '{"imageLayoutVersion":"1.0.0"}' },
        {
          name: "index.json",
          content: JSON.stringify({ manifests: [{ digest: digestOf(layer), size: 3 }] }),
        },
      ],
    ],
  ];

  test.each(cases)("%s", async (_what, files) => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "bad.tar"), await tarOf(files));
    const store = await storeIn(folder.path);
    await expect(resolveIn(folder.path, "./bad.tar", store)).rejects.toMatchObject({ code: "ImageCorrupt" });
    expect(await store.blobs()).toEqual([]);
    expect(await store.content.unfinished()).toEqual([]);
  });

  test.each([
    ["text", Buffer.from("this is no archive, however long one reads it\n".repeat(100))],
    ["an empty file", Buffer.alloc(0)],
    ["broken gzip", Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0]), Buffer.alloc(600, 7)])],
  ])("%s", async (_what, content) => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "bad.tar"), content);
    const store = await storeIn(folder.path);
    await expect(resolveIn(folder.path, "./bad.tar", store)).rejects.toMatchObject({ code: "ImageCorrupt" });
    expect(await store.blobs()).toEqual([]);
  });

  test("an archive that ends at any point is damaged", async () => {
    await using folder = await temporaryFolder();
    const whole = join(folder.path, "base.tar");
    await writeTinyArchive(whole);
    const content = await readFile(whole);
    // The last two blocks only mark the end.
    for (let size = 0; size < content.byteLength - 1024; size += 700) {
      const store = await storeIn(join(folder.path, `cut-${size}`));
      await writeFile(whole, content);
      await truncate(whole, size);
      await expect(resolveIn(folder.path, "./base.tar", store)).rejects.toMatchObject({
        code: "ImageCorrupt",
      });
      expect(await store.blobs()).toEqual([]);
    }
  });

  test("any blob of an OCI archive that was changed is found out", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "base.tar");
    await writeTinyArchive(path, "MARK");
    const content = await readFile(path);
    for (const mark of ["MARK", '"architecture"', '"layers"']) {
      const changed = Buffer.from(content);
      changed[content.indexOf(mark) + 1] = 0x21;
      await writeFile(path, changed);
      const store = await storeIn(join(folder.path, mark.replaceAll('"', "")));
      await expect(resolveIn(folder.path, "./base.tar", store)).rejects.toMatchObject({
        code: "ImageCorrupt",
      });
      expect(await store.blobs()).toEqual([]);
    }
  });

  test("a folder that is no layout is said to be one", async () => {
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, "empty"));
    const store = openImageStore(join(folder.path, "images"));
    await expect(resolveIn(folder.path, "./empty", store)).rejects.toMatchObject({
      code: "ImageUnreadable",
      message: expect.stringContaining("it is a folder, but no OCI image layout: it has no index.json"),
    });
  });

  test("a layout folder whose blobs are links is refused", async () => {
    await using folder = await temporaryFolder();
    await writeOciLayout(join(folder.path, "real"), tinyContent());
    await mkdir(join(folder.path, "layout"));
    for (const name of ["oci-layout", "index.json"]) {
      await writeFile(join(folder.path, "layout", name), await readFile(join(folder.path, "real", name)));
    }
    await mkdir(join(folder.path, "layout", "blobs"));
    const { stdout } = await run("ls", [join(folder.path, "real/blobs/sha256")]);
    await mkdir(join(folder.path, "layout/blobs/sha256"));
    for (const name of stdout.trim().split("\n")) {
      await symlink(
        join(folder.path, "real/blobs/sha256", name),
        join(folder.path, "layout/blobs/sha256", name),
      );
    }
    const store = await storeIn(folder.path);
    await expect(resolveIn(folder.path, "./layout", store)).rejects.toMatchObject({
      code: "ImageCorrupt",
      message: expect.stringContaining("symbolic link"),
    });
  });

  test("an archive in a compression that lightbox does not read says how to undo it", async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "base.tar.zst"), Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0]));
    const store = await storeIn(folder.path);
    await expect(resolveIn(folder.path, "./base.tar.zst", store)).rejects.toMatchObject({
      code: "UnsupportedImageFormat",
      hint: expect.stringContaining("zstd -d"),
    });
  });

  test.each(["./gone.tar", "oci:gone"])("%s that is not there does not exist", async (reference) => {
    await using folder = await temporaryFolder();
    const store = await storeIn(folder.path);
    await expect(resolveIn(folder.path, reference, store)).rejects.toMatchObject({ code: "ImageNotFound" });
  });

  test.each([
    "a link to itself",
    "a named pipe",
    "a name longer than any file's",
    "a folder below such a link",
  ])("%s is there and cannot be read: no bug of lightbox, and nothing waits for it", async (which) => {
    await using folder = await temporaryFolder();
    await symlink("loop", join(folder.path, "loop"));
    await run("mkfifo", [join(folder.path, "pipe")]);
    const names = {
      "a link to itself": "./loop",
      "a named pipe": "docker-archive:pipe",
      "a name longer than any file's": `./${"x".repeat(300)}`,
      "a folder below such a link": "oci:loop/layout",
    };
    const store = await storeIn(folder.path);
    await expect(
      resolveIn(folder.path, new Map(Object.entries(names)).get(which) ?? "", store),
    ).rejects.toMatchObject({ code: "ImageUnreadable", category: "usage" });
  });

  test.skipIf(process.getuid?.() === 0)("an archive and a layout without read access are named", async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "base.tar"), "", { mode: 0 });
    await mkdir(join(folder.path, "layout"), { mode: 0 });
    const store = await storeIn(folder.path);
    for (const name of ["base.tar", "layout"]) {
      await expect(resolveIn(folder.path, `./${name}`, store)).rejects.toMatchObject({
        code: "ImageUnreadable",
        message: expect.stringContaining(name),
      });
    }
    await chmod(join(folder.path, "layout"), 0o755);
  });

  test("trouble while an archive is read is the archive's, not the store's", async () => {
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, "became-a-folder"));
    const { content, blobs } = await storeIn(folder.path);
    await expect(
      StagedArchive.read(join(folder.path, "became-a-folder"), {
        store: content,
        onProgress: () => undefined,
        signal: undefined,
      }),
    ).rejects.toMatchObject({ code: "ImageUnreadable", message: expect.stringContaining("EISDIR") });
    expect(await blobs()).toEqual([]);
  });

  test("a layout with a file in the place of its folder of blobs lacks them", async () => {
    await using folder = await temporaryFolder();
    await writeOciLayout(join(folder.path, "layout"), tinyContent());
    await rm(join(folder.path, "layout/blobs"), { recursive: true });
    await writeFile(join(folder.path, "layout/blobs"), "");
    const store = await storeIn(folder.path);
    await expect(resolveIn(folder.path, "./layout", store)).rejects.toMatchObject({ code: "ImageCorrupt" });
  });

  test.each([
    { what: "a store below a file", file: "images", code: "ClientFileUnreadable" },
    { what: "a store whose folder of blobs is a file", file: "images/blobs", code: "ClientFileUnwritable" },
    {
      what: "a store whose folder of new blobs is a file",
      file: "images/staging",
      code: "ClientFileUnwritable",
    },
  ])("$what is the environment's trouble, not the archive's", async ({ file, code }) => {
    await using folder = await temporaryFolder();
    await writeTinyArchive(join(folder.path, "base.tar"));
    await mkdir(dirname(join(folder.path, file)), { recursive: true });
    await writeFile(join(folder.path, file), "");
    const store = openImageStore(join(folder.path, "images"));
    await expect(resolveIn(folder.path, "./base.tar", store)).rejects.toMatchObject({
      code,
      category: "environment",
    });
  });
});
