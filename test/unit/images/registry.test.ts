import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openLayout, resolveBaseImage } from "../../../src/images/image-source.ts";
import { openImageStore } from "../../../src/images/image-store.ts";
import { TestRegistry } from "../../support/registry.ts";
import { type TemporaryFolder, temporaryFolder } from "../../support/temporary-folder.ts";
import { readTar, writeTinyArchive } from "./tiny-image.ts";

/** Debian's docker-registry, filled by skopeo. */
let registry: TestRegistry;
let archives: TemporaryFolder;

beforeAll(async () => {
  archives = await temporaryFolder();
  registry = await TestRegistry.start();
  await writeTinyArchive(join(archives.path, "tiny.tar"));
  await writeTinyArchive(join(archives.path, "arm.tar"), "arm", "arm64");
  await registry.push(`oci-archive:${archives.path}/tiny.tar`, "team/tiny:1");
  await registry.push(`oci-archive:${archives.path}/tiny.tar`, "team/tiny:docker", ["--format", "v2s2"]);
  await registry.push(`oci-archive:${archives.path}/arm.tar`, "team/arm:1");
});

afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await archives[Symbol.asyncDispose]();
});

function resolveIn(folder: string, reference: string, environment: Readonly<Record<string, string>> = {}) {
  return resolveBaseImage(reference, {
    store: openImageStore(folder),
    platform: "linux/amd64",
    pull: false,
    directory: "/",
    registry: { environment, firstDelayMs: 1 },
  });
}

/** A HOME whose Docker config knows one login. */
async function homeWithLogin(path: string, host: string, login: string): Promise<Record<string, string>> {
  await mkdir(join(path, ".docker"), { recursive: true });
  const auths = { [host]: { auth: Buffer.from(login).toString("base64") } };
  await writeFile(join(path, ".docker", "config.json"), JSON.stringify({ auths }));
  return { HOME: path };
}

describe("pulling from a registry", () => {
  test.each(["1", "docker"])("an image by tag :%s, with all its blobs", async (tag) => {
    await using folder = await temporaryFolder();
    const { image } = await resolveIn(folder.path, `${registry.host}/team/tiny:${tag}`);
    expect(image.configuration).toMatchObject({ environment: { GREETING: "hi" }, user: "1000" });
    const files = await readTar(await openLayout(image, { store: openImageStore(folder.path) }));
    expect([...files.keys()].filter((name) => name.startsWith("blobs/"))).toHaveLength(3);
    expect(files.has(`blobs/${image.digest.replace(":", "/")}`)).toBe(true);
  });

  test("the same image by digest", async () => {
    await using folder = await temporaryFolder();
    const byTag = await resolveIn(folder.path, `${registry.host}/team/tiny:1`);
    await using other = await temporaryFolder();
    const byDigest = await resolveIn(other.path, `${registry.host}/team/tiny@${byTag.image.digest}`);
    expect(byDigest.image.digest).toBe(byTag.image.digest);
  });

  test("localhost is the loopback address, too", async () => {
    await using folder = await temporaryFolder();
    const host = registry.host.replace("127.0.0.1", "localhost");
    expect((await resolveIn(folder.path, `${host}/team/tiny:1`)).remembered).toBe(false);
  });

  test.each(["team/tiny:gone", "team/gone:1", `team/tiny@sha256:${"0".repeat(64)}`])(
    "%s does not exist",
    async (name) => {
      await using folder = await temporaryFolder();
      const reference = `${registry.host}/${name}`;
      await expect(resolveIn(folder.path, reference)).rejects.toMatchObject({
        code: "ImageNotFound",
        category: "usage",
        message: `image ${reference} does not exist`,
      });
    },
  );

  test("a name that looks like a file is answered with how to write one", async () => {
    await using folder = await temporaryFolder();
    await expect(resolveIn(folder.path, `${registry.host}/base.tar`)).rejects.toMatchObject({
      code: "ImageNotFound",
      hint: expect.stringContaining("if it is a file, write ./"),
    });
  });

  test("an image for another platform is refused", async () => {
    await using folder = await temporaryFolder();
    await expect(resolveIn(folder.path, `${registry.host}/team/arm:1`)).rejects.toMatchObject({
      code: "NoMatchingPlatform",
      hint: "it is made for linux/arm64",
    });
  });

  test("a blob that rotted on the registry's disk is refused", async () => {
    await using folder = await temporaryFolder();
    await using own = await TestRegistry.start();
    await own.push(`oci-archive:${archives.path}/tiny.tar`, "tiny:1");
    const { image } = await resolveIn(folder.path, `${own.host}/tiny:1`);
    const manifest = JSON.parse(
      Buffer.from((await openImageStore(folder.path).content.read(image.digest, 10_000)) ?? []).toString(),
    );
    const hex = manifest.layers[0].digest.slice("sha256:".length);
    const data = join(own.storage, "docker/registry/v2/blobs/sha256", hex.slice(0, 2), hex, "data");
    const content = await readFile(data);
    content[15] = (content[15] ?? 0) ^ 0xff;
    await writeFile(data, content);
    await expect(openLayout(image, { store: openImageStore(folder.path) })).rejects.toMatchObject({
      code: "ImageCorrupt",
    });
    expect(await openImageStore(folder.path).content.unfinished()).toEqual([]);
  });

  test("a registry that is stopped before the layers came is unreachable; what is known stays known", async () => {
    await using folder = await temporaryFolder();
    await using own = await TestRegistry.start();
    await own.push(`oci-archive:${archives.path}/tiny.tar`, "tiny:1");
    const { image } = await resolveIn(folder.path, `${own.host}/tiny:1`);
    await own.stop();
    await expect(openLayout(image, { store: openImageStore(folder.path) })).rejects.toMatchObject({
      code: "RegistryUnreachable",
    });
    expect(await resolveIn(folder.path, `${own.host}/tiny:1`)).toMatchObject({ image, remembered: true });
  });
});

describe("a registry with a login", () => {
  let locked: TestRegistry;

  beforeAll(async () => {
    locked = await TestRegistry.start({ login: { username: "me", password: "pass:word" } });
    await locked.push(`oci-archive:${archives.path}/tiny.tar`, "secret/tiny:1");
  });

  afterAll(() => locked[Symbol.asyncDispose]());

  test("lets in whom Docker's config knows", async () => {
    await using folder = await temporaryFolder();
    const environment = await homeWithLogin(folder.path, locked.host, "me:pass:word");
    const { image } = await resolveIn(
      join(folder.path, "images"),
      `${locked.host}/secret/tiny:1`,
      environment,
    );
    const store = openImageStore(join(folder.path, "images"));
    const layout = await buffer(await openLayout(image, { store, registry: { environment } }));
    expect(layout.byteLength).toBeGreaterThan(2048);
  });

  test("without a login says how to log in", async () => {
    await using folder = await temporaryFolder();
    await expect(
      resolveIn(folder.path, `${locked.host}/secret/tiny:1`, { HOME: folder.path }),
    ).rejects.toMatchObject({ code: "RegistryLoginRequired", hint: `run: docker login ${locked.host}` });
  });

  test("with a wrong password says that the stored login is refused, and not the password", async () => {
    await using folder = await temporaryFolder();
    const environment = await homeWithLogin(folder.path, locked.host, "me:wrong-password");
    const error = await resolveIn(folder.path, `${locked.host}/secret/tiny:1`, environment).catch(
      (thrown) => thrown,
    );
    expect(error).toMatchObject({
      code: "RegistryLoginRequired",
      message: expect.stringContaining("refuses its stored login"),
    });
    expect(JSON.stringify(error) + String(error.message)).not.toContain("wrong-password");
  });
});
