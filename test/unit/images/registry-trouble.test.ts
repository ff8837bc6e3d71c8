import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { openLayout, resolveBaseImage } from "../../../src/images/image-source.ts";
import { openImageStore } from "../../../src/images/image-store.ts";
import { parseChallenges } from "../../../src/images/registry/login.ts";
import type { RegistryOptions } from "../../../src/images/registry/options.ts";
import { mayFollow } from "../../../src/images/registry/request.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { type Script, ScriptedRegistry } from "./scripted-registry.ts";
import { type TinyImage, tinyImage } from "./tiny-image.ts";

const quick: RegistryOptions = { environment: {}, attempts: 3, firstDelayMs: 1 };

/** Resolves `base:1` and opens its layout: everything that a first bake asks of a registry. */
async function pull(
  registry: { host: string },
  folder: string,
  extra: { options?: RegistryOptions; signal?: AbortSignal } = {},
) {
  const store = openImageStore(folder);
  const common = {
    store,
    registry: extra.options ?? quick,
    ...(extra.signal === undefined ? {} : { signal: extra.signal }),
  };
  const { image } = await resolveBaseImage(`${registry.host}/base:1`, {
    ...common,
    platform: "linux/amd64",
    pull: false,
    directory: "/",
  });
  await buffer(await openLayout(image, common));
  return image;
}

async function pullWith(image: TinyImage, script: Script, extra: Parameters<typeof pull>[2] = {}) {
  await using folder = await temporaryFolder();
  await using registry = await ScriptedRegistry.start(image, script);
  const [result] = await Promise.allSettled([pull(registry, folder.path, extra)]);
  const unfinished = await openImageStore(folder.path).content.unfinished();
  expect(unfinished).toEqual([]);
  return { result, requests: registry.requests, authorizations: registry.authorizations };
}

const isLayer = (image: TinyImage, url: string | undefined): boolean =>
  url?.endsWith(image.layerDigest) === true;

describe("trouble that passes", () => {
  test.each([429, 500, 502, 503, 504])("status %i is asked again", async (status) => {
    const image = await tinyImage();
    const { result, requests } = await pullWith(image, (_request, response, count) => {
      if (count > 1) return false;
      response.writeHead(status, { "retry-after": "0" }).end("busy");
      return true;
    });
    expect(result.status).toBe("fulfilled");
    // Manifest, config and layer, each twice.
    expect(requests.length).toBe(6);
  });

  test("a connection that is cut before the answer is made again", async () => {
    const image = await tinyImage();
    const { result } = await pullWith(image, (request, _response, count) => {
      if (count === 1) request.socket.destroy();
      return count === 1;
    });
    expect(result.status).toBe("fulfilled");
  });

  test("a blob that breaks off goes on where it stopped", async () => {
    const image = await tinyImage(Buffer.alloc(900_000, 7));
    const blob = image.blobs.get(image.layerDigest) ?? Buffer.alloc(0);
    const starts: number[] = [];
    const { result } = await pullWith(image, (request, response) => {
      if (!isLayer(image, request.url)) return false;
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      starts.push(start);
      const end = Math.min(start + 250_000, blob.byteLength);
      if (end === blob.byteLength) return false;
      const range = { "content-range": `bytes ${start}-${blob.byteLength - 1}/${blob.byteLength}` };
      response.writeHead(start === 0 ? 200 : 206, { ...range, "content-length": blob.byteLength - start });
      response.write(blob.subarray(start, end), () => request.socket.end());
      return true;
    });
    expect(result.status).toBe("fulfilled");
    // More often than a request may fail in a row: it counts as progress that something arrives.
    expect(starts.length).toBeGreaterThan(3);
    expect(starts).toEqual([...starts].sort((one, other) => one - other));
    expect(starts.at(-1)).toBeGreaterThan(500_000);
  });

  test("a registry that cannot resume sends the blob from its start", async () => {
    const image = await tinyImage(Buffer.alloc(400_000, 7));
    const blob = image.blobs.get(image.layerDigest) ?? Buffer.alloc(0);
    const { result } = await pullWith(image, (request, response, count) => {
      if (!isLayer(image, request.url)) return false;
      response.writeHead(200, { "content-length": blob.byteLength });
      if (count === 1) response.write(blob.subarray(0, 200_000), () => request.socket.end());
      else response.end(blob);
      return true;
    });
    expect(result.status).toBe("fulfilled");
  });

  test("a registry that falls silent is asked again", async () => {
    const image = await tinyImage();
    const { result } = await pullWith(image, (_request, _response, count) => count === 1, {
      options: { ...quick, silenceMs: 100 },
    });
    expect(result.status).toBe("fulfilled");
  });
});

describe("trouble that stays", () => {
  test("a registry that has never said anything is not asked for long", async () => {
    const reasons: string[] = [];
    const { result, requests } = await pullWith(await tinyImage(), () => true, {
      options: {
        ...quick,
        attempts: 100,
        silenceMs: 100,
        firstAnswerMs: 250,
        onRetry: ({ reason }) => reasons.push(reason),
      },
    });
    expect(result).toMatchObject({
      reason: { code: "RegistryUnreachable", message: expect.stringContaining("silent for") },
    });
    expect(reasons.length).toBe(requests.length - 1);
    expect(reasons[0]).toBe("silent for 0.1 s");
    expect(requests.length).toBeLessThan(10);
  });

  test("a port that HTTP clients never open is said at once, and explained", async () => {
    await using folder = await temporaryFolder();
    const retries: unknown[] = [];
    const options = { ...quick, onRetry: (retry: unknown) => retries.push(retry) };
    await expect(pull({ host: "127.0.0.1:10080" }, folder.path, { options })).rejects.toMatchObject({
      code: "RegistryUnreachable",
      message: expect.stringContaining("refuse to open its port"),
      hint: expect.stringContaining("another port"),
    });
    expect(retries).toEqual([]);
  });

  test("a registry that goes on failing is unreachable, after the set number of attempts", async () => {
    const { result, requests } = await pullWith(await tinyImage(), (_request, response) => {
      response.writeHead(503).end();
      return true;
    });
    expect(result).toMatchObject({
      reason: { code: "RegistryUnreachable", message: expect.stringContaining("status 503") },
    });
    expect(requests.length).toBe(3);
  });

  test("nobody listening is said at once", async () => {
    await using folder = await temporaryFolder();
    const gone = await ScriptedRegistry.start(await tinyImage());
    await gone[Symbol.asyncDispose]();
    await expect(pull(gone, folder.path)).rejects.toMatchObject({
      code: "RegistryUnreachable",
      message: expect.stringContaining("ECONNREFUSED"),
    });
  });

  test("a blob with another content than its digest says is refused and not kept", async () => {
    const image = await tinyImage();
    const { result } = await pullWith(image, (request, response) => {
      if (!isLayer(image, request.url)) return false;
      const wrong = Buffer.from(image.blobs.get(image.layerDigest) ?? []);
      wrong[10] = (wrong[10] ?? 0) ^ 1;
      response.end(wrong);
      return true;
    });
    expect(result).toMatchObject({ reason: { code: "ImageCorrupt" } });
  });

  test("a blob that does not end is cut off at the size that its manifest says", async () => {
    const image = await tinyImage();
    const { result } = await pullWith(image, (request, response) => {
      if (!isLayer(image, request.url)) return false;
      const more = () => response.write(Buffer.alloc(64 * 1024), (error) => error ?? more());
      more();
      return true;
    });
    expect(result).toMatchObject({
      reason: { code: "ImageCorrupt", message: expect.stringContaining("larger") },
    });
  });

  test("a manifest that does not have the digest that was asked for is refused", async () => {
    await using folder = await temporaryFolder();
    await using registry = await ScriptedRegistry.start(await tinyImage());
    const other = (await tinyImage(Buffer.from("other"))).digest;
    const options = {
      store: openImageStore(folder.path),
      platform: "linux/amd64",
      pull: false,
      directory: "/",
    };
    await expect(
      resolveBaseImage(`${registry.host}/base@${other}`, { ...options, registry: quick }),
    ).rejects.toMatchObject({ code: "ImageCorrupt" });
  });

  test("a manifest that is too large is not read to its end", async () => {
    const { result } = await pullWith(await tinyImage(), (_request, response) => {
      response.end(Buffer.alloc(5 * 1024 * 1024, 0x20));
      return true;
    });
    expect(result).toMatchObject({
      reason: { code: "ImageCorrupt", message: expect.stringContaining("too large") },
    });
  });

  test("what the registry answers is quoted without control characters", async () => {
    const { result } = await pullWith(await tinyImage(), (_request, response) => {
      response.writeHead(400).end(JSON.stringify({ errors: [{ message: "no\u001b[31m such\nthing" }] }));
      return true;
    });
    expect(result).toMatchObject({ reason: { code: "RegistryRefused" } });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(String(result.status === "rejected" && result.reason.message)).not.toMatch(/[\x00-\x1f]/);
  });

  test("a cancelled pull ends at once with nothing left", async () => {
    const image = await tinyImage(Buffer.alloc(400_000, 7));
    const controller = new AbortController();
    const { result } = await pullWith(
      image,
      (request, response) => {
        if (!isLayer(image, request.url)) return false;
        response.writeHead(200, { "content-length": 400_000 });
        response.write(Buffer.alloc(1000), () => controller.abort());
        return true;
      },
      { signal: controller.signal },
    );
    expect(result).toMatchObject({ reason: { category: "cancelled" } });
  });
});

const outside = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

test.runIf(outside !== undefined)(
  "a registry that is not on this computer is never spoken to without encryption",
  async () => {
    await using folder = await temporaryFolder();
    const requests: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      requests.push(request.url);
      response.end();
    }).listen(0, "0.0.0.0");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo; // of a listening TCP server
    await expect(pull({ host: `${outside}:${port}` }, folder.path)).rejects.toMatchObject({
      code: "RegistryUnreachable",
    });
    server.close();
    expect(requests).toEqual([]);
  },
);

describe("redirects", () => {
  test("a blob is fetched from where the registry sends it, and the login stays with the registry", async () => {
    await using folder = await temporaryFolder();
    const image = await tinyImage();
    await using storage = await ScriptedRegistry.start(image);
    await writeConfig(folder.path, "");
    let config = "";
    await using registry = await ScriptedRegistry.start(image, (request, response) => {
      if (request.headers.authorization === undefined) {
        response.writeHead(401, { "www-authenticate": 'Basic realm="test"' }).end();
        return true;
      }
      if (!request.url?.includes("/blobs/")) return false;
      response
        .writeHead(307, { location: `http://${storage.host}/elsewhere/${request.url.split("/").pop()}` })
        .end();
      return true;
    });
    config = JSON.stringify({
      auths: { [registry.host]: { auth: Buffer.from("me:pw").toString("base64") } },
    });
    await writeConfig(folder.path, config);
    await pull(registry, join(folder.path, "images"), {
      options: { ...quick, environment: { HOME: folder.path } },
    });
    expect(storage.requests.length).toBe(2);
    expect(storage.authorizations).toEqual([undefined, undefined]);
  });

  test("a registry that redirects in a circle is given up", async () => {
    const { result, requests } = await pullWith(await tinyImage(), (request, response) => {
      response.writeHead(302, { location: request.url ?? "/" }).end();
      return true;
    });
    expect(result).toMatchObject({
      reason: { code: "RegistryUnreachable", message: expect.stringContaining("circle") },
    });
    expect(requests.length).toBe(6);
  });

  test.each([
    ["https://a.test", "https://b.test", true],
    ["https://a.test", "http://a.test", false],
    ["https://a.test", "http://127.0.0.1", false],
    ["http://127.0.0.1:1", "http://localhost:2", true],
    ["http://127.0.0.1:1", "https://b.test", true],
    ["http://127.0.0.1:1", "http://b.test", false],
    ["https://a.test", "file:///etc/passwd", false],
  ])("from %s to %s: %s", (from, to, allowed) => {
    expect(mayFollow(new URL(from), new URL(to))).toBe(allowed);
  });
});

describe("tokens", () => {
  test.each([
    ['Basic realm="a b"', [["basic", { realm: "a b" }]]],
    [
      'Bearer realm="https://auth.test/token?x=1,2",service="reg",scope="repository:a/b:pull,push"',
      [
        [
          "bearer",
          { realm: "https://auth.test/token?x=1,2", service: "reg", scope: "repository:a/b:pull,push" },
        ],
      ],
    ],
    [
      'Bearer realm=plain, Basic realm="q\\"uoted"',
      [
        ["bearer", { realm: "plain" }],
        ["basic", { realm: 'q"uoted' }],
      ],
    ],
    ["", []],
    ["Negotiate", [["negotiate", {}]]],
  ])("%j is read", (header, expected) => {
    const read = parseChallenges(header).map(({ scheme, parameters }) => [
      scheme,
      Object.fromEntries(parameters),
    ]);
    expect(read).toEqual(expected);
  });

  test("a token is fetched once for all requests, and again when it has run out", async () => {
    await using tokens = await TokenServer.start(() => ({ token: `t${tokens.requests.length}` }));
    const image = await tinyImage();
    const seen = new Set<string>();
    const { result } = await pullWith(image, (request, response) => {
      const { authorization } = request.headers;
      if (authorization !== undefined) seen.add(authorization);
      // The first token is good for the manifest only.
      const isGood =
        authorization === "Bearer t1" ? request.url?.includes("manifests") : authorization === "Bearer t2";
      if (isGood === true || (authorization ?? "") > "Bearer t2") return false;
      response.writeHead(401, { "www-authenticate": tokens.challenge }).end();
      return true;
    });
    expect(result.status).toBe("fulfilled");
    expect([...seen].slice(0, 2)).toEqual(["Bearer t1", "Bearer t2"]);
    expect(tokens.requests[0]).toBe("GET /token?service=test&scope=repository%3Abase%3Apull");
  });

  test("a name and password go to the token service, not to the registry", async () => {
    await using folder = await temporaryFolder();
    await using tokens = await TokenServer.start(() => ({ access_token: "good" }));
    await using registry = await ScriptedRegistry.start(await tinyImage(), needsToken(tokens));
    await writeConfig(
      folder.path,
      JSON.stringify({ auths: { [registry.host]: { username: "me", password: "pw" } } }),
    );
    await pull(registry, join(folder.path, "images"), {
      options: { ...quick, environment: { HOME: folder.path } },
    });
    expect(tokens.authorizations[0]).toBe(`Basic ${Buffer.from("me:pw").toString("base64")}`);
    expect(tokens.requests[0]).toContain("account=me");
    expect(registry.authorizations.filter((value) => value?.startsWith("Basic"))).toEqual([]);
  });

  test("an identity token is exchanged", async () => {
    await using folder = await temporaryFolder();
    await using tokens = await TokenServer.start(() => ({ access_token: "good" }));
    await using registry = await ScriptedRegistry.start(await tinyImage(), needsToken(tokens));
    await writeConfig(
      folder.path,
      JSON.stringify({ auths: { [registry.host]: { identitytoken: "refresh" } } }),
    );
    await pull(registry, join(folder.path, "images"), {
      options: { ...quick, environment: { HOME: folder.path } },
    });
    expect(tokens.requests[0]).toBe("POST /token");
    expect(Object.fromEntries(new URLSearchParams(tokens.bodies[0]))).toMatchObject({
      grant_type: "refresh_token",
      refresh_token: "refresh",
      scope: "repository:base:pull",
    });
  });

  test("a realm that is neither encrypted nor on this computer never sees the password", async () => {
    await using folder = await temporaryFolder();
    await using registry = await ScriptedRegistry.start(await tinyImage(), (_request, response) => {
      response.writeHead(401, { "www-authenticate": 'Bearer realm="http://thief.test/token"' }).end();
      return true;
    });
    await writeConfig(
      folder.path,
      JSON.stringify({ auths: { [registry.host]: { username: "me", password: "pw" } } }),
    );
    const options = { ...quick, environment: { HOME: folder.path } };
    await expect(pull(registry, join(folder.path, "images"), { options })).rejects.toMatchObject({
      code: "RegistryRefused",
    });
  });

  test("a token that does not help means that a login is needed", async () => {
    await using tokens = await TokenServer.start(() => ({ token: "useless" }));
    const { result, requests } = await pullWith(await tinyImage(), (_request, response) => {
      response
        .writeHead(401, { "www-authenticate": tokens.challenge })
        .end('{"errors":[{"message":"denied"}]}');
      return true;
    });
    expect(result).toMatchObject({
      reason: {
        code: "RegistryLoginRequired",
        hint: expect.stringMatching(/^run: docker login 127\.0\.0\.1:\d+$/),
      },
    });
    expect(requests.length).toBe(2);
  });
});

function needsToken(tokens: TokenServer): Script {
  return (request, response) => {
    if (request.headers.authorization === "Bearer good") return false;
    response.writeHead(401, { "www-authenticate": tokens.challenge }).end();
    return true;
  };
}

async function writeConfig(home: string, content: string): Promise<void> {
  await mkdir(join(home, ".docker"), { recursive: true });
  await writeFile(join(home, ".docker", "config.json"), content);
}

class TokenServer implements AsyncDisposable {
  readonly requests: string[] = [];
  readonly authorizations: (string | undefined)[] = [];
  readonly bodies: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  get challenge(): string {
    const { port } = this.#server.address() as AddressInfo; // of a listening TCP server
    return `Bearer realm="http://127.0.0.1:${port}/token",service="test"`;
  }

  static async start(answer: () => object): Promise<TokenServer> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const tokens = new TokenServer(server);
    server.on("request", async (request, response) => {
      tokens.requests.push(`${request.method} ${request.url}`);
      tokens.authorizations.push(request.headers.authorization);
      tokens.bodies.push((await buffer(request)).toString());
      response.end(JSON.stringify(answer()));
    });
    return tokens;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}
