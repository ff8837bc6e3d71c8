import { execFile } from "node:child_process";
import { readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { openLayout, resolveBaseImage } from "../../../src/images/image-source.ts";
import { openImageStore } from "../../../src/images/image-store.ts";
import { mediaTypes } from "../../../src/images/manifest.ts";
import { pruneImages } from "../../../src/images/prune-images.ts";
import { isScratch } from "../../../src/model/scratch.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { ScriptedRegistry } from "./scripted-registry.ts";
import { readTar, type TinyImage, tinyImage, writeTinyArchive } from "./tiny-image.ts";

const run = promisify(execFile);
const hourMs = 60 * 60 * 1000;
const common = { platform: "linux/amd64", pull: false } as const;

describe("what a reference means is remembered", () => {
  test("a second bake asks nobody, another process neither, and --pull asks again", async () => {
    await using folder = await temporaryFolder();
    const first = await tinyImage();
    await using registry = await ScriptedRegistry.start(first);
    const reference = `${registry.host}/base:1`;
    const options = { ...common, directory: folder.path };
    const asked = await resolveBaseImage(reference, { ...options, store: openImageStore(folder.path) });
    expect(asked).toMatchObject({ remembered: false, image: { digest: first.digest, reference } });
    const requests = registry.requests.length;
    expect(requests).toBe(2);

    const known = await resolveBaseImage(reference, { ...options, store: openImageStore(folder.path) });
    expect(known).toEqual({ ...asked, remembered: true });
    expect(registry.requests.length).toBe(requests);

    await resolveBaseImage(reference, { ...options, pull: true, store: openImageStore(folder.path) });
    // Only what the tag means: the config is in the store already.
    expect(registry.requests.slice(requests)).toEqual(["GET /v2/base/manifests/1"]);
  });

  test("a reference by digest is never asked for twice, not even with --pull", async () => {
    await using folder = await temporaryFolder();
    const image = await tinyImage();
    await using registry = await ScriptedRegistry.start(image);
    const store = openImageStore(folder.path);
    const reference = `${registry.host}/base@${image.digest}`;
    await resolveBaseImage(reference, { ...common, store, directory: "/" });
    const requests = registry.requests.length;
    await resolveBaseImage(reference, { ...common, pull: true, store, directory: "/" });
    expect(registry.requests.length).toBe(requests);
  });

  test("images that are resolved at the same time are all remembered", async () => {
    await using folder = await temporaryFolder();
    await using registry = await ScriptedRegistry.start(await tinyImage());
    const store = openImageStore(folder.path);
    const references = Array.from({ length: 8 }, (_, index) => `${registry.host}/base:${index}`);
    const options = { ...common, store, directory: "/" };
    await Promise.all(references.map((reference) => resolveBaseImage(reference, options)));
    const again = await Promise.all(references.map((reference) => resolveBaseImage(reference, options)));
    expect(again.map(({ remembered }) => remembered)).toEqual(references.map(() => true));
  });

  test("an archive is read again when it has changed, and only then", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "base.tar");
    const store = openImageStore(join(folder.path, "images"));
    const resolve = () => resolveBaseImage("./base.tar", { ...common, store, directory: folder.path });
    const one = await writeTinyArchive(path, "one");
    expect(await resolve()).toMatchObject({ remembered: false, image: { digest: one } });
    expect(await resolve()).toMatchObject({ remembered: true, image: { digest: one } });
    const two = await writeTinyArchive(path, "two");
    expect(await resolve()).toMatchObject({ remembered: false, image: { digest: two } });
    // The same content with another time: read again, the same image.
    await utimes(path, new Date(), new Date(Date.now() + 5000));
    expect(await resolve()).toMatchObject({ remembered: false, image: { digest: two } });
  });

  test("platforms are remembered apart", async () => {
    await using folder = await temporaryFolder();
    const store = openImageStore(join(folder.path, "images"));
    await writeTinyArchive(join(folder.path, "base.tar"));
    const options = { ...common, store, directory: folder.path };
    await resolveBaseImage("./base.tar", options);
    await expect(
      resolveBaseImage("./base.tar", { ...options, platform: "linux/arm64" }),
    ).rejects.toMatchObject({
      code: "NoMatchingPlatform",
    });
  });

  test.each(["", "{", '{"version":99}', "null"])("a record that reads %j counts as none", async (content) => {
    await using folder = await temporaryFolder();
    const store = openImageStore(join(folder.path, "images"));
    await writeTinyArchive(join(folder.path, "base.tar"));
    const options = { ...common, store, directory: folder.path };
    await resolveBaseImage("./base.tar", options);
    await writeFile(join(folder.path, "images", "resolved.json"), content);
    expect(await resolveBaseImage("./base.tar", options)).toMatchObject({ remembered: false });
    expect(await resolveBaseImage("./base.tar", options)).toMatchObject({ remembered: true });
  });

  test("scratch is an image without a file, the same each time", async () => {
    await using folder = await temporaryFolder();
    const options = { ...common, store: openImageStore(folder.path), directory: "/" };
    const { image } = await resolveBaseImage("scratch", options);
    expect(await resolveBaseImage("scratch", options)).toMatchObject({ image, remembered: true });
    const files = await readTar(await openLayout(image, options));
    expect([...files.values()].some((content) => content.equals(Buffer.alloc(1024)))).toBe(true);
    for (const platform of ["linux/amd64", "linux/arm64", "linux/arm64/v8"]) {
      const { digest } = (await resolveBaseImage("scratch", { ...options, platform })).image;
      expect(isScratch(digest), `${platform} ${digest}`).toBe(true);
    }
  });

  test("a reference that is none is refused before anything is asked", async () => {
    await using folder = await temporaryFolder();
    const options = { ...common, store: openImageStore(join(folder.path, "images")), directory: "/" };
    await expect(resolveBaseImage("No Such", options)).rejects.toMatchObject({
      code: "InvalidImageReference",
    });
    await expect(stat(join(folder.path, "images"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("an aborted bake resolves nothing", async () => {
    await using folder = await temporaryFolder();
    await writeTinyArchive(join(folder.path, "base.tar"));
    const store = openImageStore(join(folder.path, "images"));
    const signal = AbortSignal.abort();
    await expect(
      resolveBaseImage("./base.tar", { ...common, store, directory: folder.path, signal }),
    ).rejects.toMatchObject({ category: "cancelled" });
  });
});

describe("an image for several platforms", () => {
  const indexOf = (image: TinyImage) => ({
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: ["arm64", "amd64"].map((architecture) => ({
      mediaType: mediaTypes.dockerManifest,
      // Only the image for amd64 is there: the other one is never asked for.
      digest: architecture === "amd64" ? image.digest : `sha256:${"0".repeat(64)}`,
      size: image.manifest.byteLength,
      platform: { os: "linux", architecture },
    })),
  });

  test("is resolved to the manifest for the worker's platform", async () => {
    await using folder = await temporaryFolder();
    const tiny = await tinyImage();
    await using registry = await ScriptedRegistry.start(tiny, (request, response) => {
      if (request.url?.endsWith("/manifests/1") !== true) return false;
      response.end(JSON.stringify(indexOf(tiny)));
      return true;
    });
    const options = { ...common, store: openImageStore(folder.path), directory: "/" };
    const { image } = await resolveBaseImage(`${registry.host}/base:1`, options);
    expect(image.digest).toBe(tiny.digest);
    await expect(
      resolveBaseImage(`${registry.host}/base:1`, { ...options, platform: "linux/riscv64" }),
    ).rejects.toMatchObject({ code: "NoMatchingPlatform", hint: "it is made for linux/amd64, linux/arm64" });
  });
});

describe("pruning", () => {
  test("keeps the images that are needed, removes the others, and a dry run removes nothing", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "base.tar");
    const store = openImageStore(join(folder.path, "images"));
    const resolve = () => resolveBaseImage("./base.tar", { ...common, store, directory: folder.path });
    const before = await writeTinyArchive(path, "before");
    await resolve();
    await writeTinyArchive(path, "after");
    const { image } = await resolve();
    const all = await store.content.list();
    const request = { needed: new Set([image.digest]), olderThanMs: null, dryRun: false };
    // Just made: a bake may be about to use it.
    expect(await pruneImages(store, { ...request, nowMs: Date.now() })).toMatchObject({ freedBytes: 0 });
    const nowMs = Date.now() + 2 * hourMs;
    const planned = await pruneImages(store, { ...request, nowMs, dryRun: true });
    expect(await store.content.list()).toEqual(all);
    expect(await pruneImages(store, { ...request, nowMs })).toEqual(planned);
    expect(planned.freedBytes).toBeGreaterThan(2048);
    expect(planned.keptBytes).toBeGreaterThan(2048);
    const left = await store.content.list();
    expect(left).toHaveLength(3);
    expect(left).not.toContain(before);
    await rm(path);
    expect((await buffer(await openLayout(image, { store }))).byteLength).toBeGreaterThan(2048);
  });

  test("goes by the last use when only old images are to go", async () => {
    await using folder = await temporaryFolder();
    await writeTinyArchive(join(folder.path, "base.tar"));
    const store = openImageStore(join(folder.path, "images"));
    const { image } = await resolveBaseImage("./base.tar", { ...common, store, directory: folder.path });
    for (const digest of await store.content.list()) await utimes(store.content.blobPath(digest), 1, 1);
    const request = { needed: new Set([]), olderThanMs: 24 * hourMs, dryRun: false };
    (await openLayout(image, { store })).destroy();
    const later = Date.now() + 23 * hourMs;
    expect(await pruneImages(store, { ...request, nowMs: later })).toMatchObject({ freedBytes: 0 });
    const { keptBytes } = await pruneImages(store, { ...request, nowMs: later + 2 * hourMs });
    expect(keptBytes).toBe(0);
    expect(await store.content.list()).toEqual([]);
  });

  test("of a store that was never made finds nothing and makes nothing", async () => {
    await using folder = await temporaryFolder();
    const store = openImageStore(join(folder.path, "images"));
    const request = { needed: new Set([]), olderThanMs: null, dryRun: false, nowMs: Date.now() };
    expect(await pruneImages(store, request)).toEqual({ freedBytes: 0, keptBytes: 0 });
    await expect(stat(join(folder.path, "images"))).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("the layout for a worker", () => {
  test("is an OCI archive that skopeo reads, the same bytes each time", async () => {
    await using folder = await temporaryFolder();
    await writeTinyArchive(join(folder.path, "base.tar"));
    const store = openImageStore(join(folder.path, "images"));
    const { image } = await resolveBaseImage("./base.tar", { ...common, store, directory: folder.path });
    const layout = await buffer(await openLayout(image, { store }));
    expect(await buffer(await openLayout(image, { store }))).toEqual(layout);
    await writeFile(join(folder.path, "out.tar"), layout);
    const { stdout } = await run("skopeo", ["inspect", `oci-archive:${folder.path}/out.tar`]);
    expect(JSON.parse(stdout)).toMatchObject({
      Digest: image.digest,
      Architecture: "amd64",
      Env: ["GREETING=hi"],
    });
  });

  test("fetches the layers only now, reports how far they are, and has the registry's own manifest", async () => {
    await using folder = await temporaryFolder();
    const tiny = await tinyImage(Buffer.alloc(300_000, 1));
    await using registry = await ScriptedRegistry.start(tiny);
    const store = openImageStore(folder.path);
    const { image } = await resolveBaseImage(`${registry.host}/base:1`, { ...common, store, directory: "/" });
    expect(registry.requests.some((line) => line.endsWith(tiny.layerDigest))).toBe(false);
    const seen: [done: number, total: number][] = [];
    const layout = await openLayout(image, {
      store,
      onProgress: (p) => seen.push([p.doneBytes, p.totalBytes]),
    });
    const files = await readTar(layout);
    expect(files.get(`blobs/${tiny.digest.replace(":", "/")}`)).toEqual(Buffer.from(tiny.manifest));
    expect(files.get(`blobs/${tiny.layerDigest.replace(":", "/")}`)).toEqual(
      tiny.blobs.get(tiny.layerDigest),
    );
    const size = tiny.blobs.get(tiny.layerDigest)?.byteLength;
    expect(seen[0]).toEqual([0, size]);
    expect(seen.at(-1)).toEqual([size, size]);
  });

  test("a blob that was damaged or lost on disk is fetched again", async () => {
    await using folder = await temporaryFolder();
    const tiny = await tinyImage();
    await using registry = await ScriptedRegistry.start(tiny);
    const store = openImageStore(folder.path);
    const { image } = await resolveBaseImage(`${registry.host}/base:1`, { ...common, store, directory: "/" });
    const whole = await buffer(await openLayout(image, { store }));
    const layer = store.content.blobPath(tiny.layerDigest);
    const content = await readFile(layer);
    content[20] = (content[20] ?? 0) ^ 1;
    await writeFile(layer, content);
    expect(await buffer(await openLayout(image, { store }))).toEqual(whole);
    await rm(join(folder.path, "blobs"), { recursive: true });
    const fresh = openImageStore(folder.path);
    expect(await buffer(await openLayout(image, { store: fresh }))).toEqual(whole);
  });

  test("an archive's blobs come from the archive again, unless it has changed since", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "base.tar");
    await writeTinyArchive(path, "one");
    const store = openImageStore(join(folder.path, "images"));
    const { image } = await resolveBaseImage("./base.tar", { ...common, store, directory: folder.path });
    const whole = await buffer(await openLayout(image, { store }));
    for (const digest of await store.content.list()) await store.content.remove(digest);
    expect(await buffer(await openLayout(image, { store }))).toEqual(whole);
    for (const digest of await store.content.list()) await store.content.remove(digest);
    await writeTinyArchive(path, "two");
    await expect(openLayout(image, { store })).rejects.toMatchObject({
      code: "ImageCorrupt",
      hint: "bake again",
    });
    await rm(path);
    await expect(openLayout(image, { store })).rejects.toMatchObject({ code: "ImageNotFound" });
  });

  test("a reader that goes away in the middle leaves no error behind", async () => {
    await using folder = await temporaryFolder();
    const tiny = await tinyImage(Buffer.alloc(5_000_000, 1));
    await using registry = await ScriptedRegistry.start(tiny);
    const store = openImageStore(folder.path);
    const { image } = await resolveBaseImage(`${registry.host}/base:1`, { ...common, store, directory: "/" });
    const layout = await openLayout(image, { store });
    for await (const _chunk of layout) break;
    expect(layout.destroyed).toBe(true);
  });
});
