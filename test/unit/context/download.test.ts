import { createHash } from "node:crypto";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Downloads, type DownloadsOptions } from "../../../src/context/download.ts";
import { Failure } from "../../../src/diagnostics/failure.ts";
import { sha256Digest } from "../../../src/model/identifiers.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { WebServer } from "../../support/web-server.ts";

const forever = new AbortController().signal;

const sumOf = (text: string) => sha256Digest(`sha256:${createHash("sha256").update(text).digest("hex")}`);

interface Rig extends AsyncDisposable {
  readonly server: WebServer;
  readonly home: string;
  downloads(options?: Partial<DownloadsOptions>): Downloads;
}

async function start(): Promise<Rig> {
  const folder = await temporaryFolder();
  const server = await WebServer.start();
  return {
    server,
    home: folder.path,
    downloads: (options = {}) => new Downloads({ homeDirectory: folder.path, retryDelayMs: 1, ...options }),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function failureOf(action: Promise<unknown>): Promise<readonly string[]> {
  const error = await action.then(
    () => new Error("it did not fail"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Failure)) throw error;
  return [error.code, error.category];
}

describe("a file of the web", () => {
  test("is fetched, and kept by its checksum", async () => {
    await using rig = await start();
    rig.server.on("/a", "content");
    const file = await rig.downloads().fetch(rig.server.url("/a"), null, forever);
    expect(file.sha256).toBe(sumOf("content"));
    expect(await readFile(file.path, "utf8")).toBe("content");
  });

  test("with a checksum is asked for once, by whichever bake", async () => {
    await using rig = await start();
    rig.server.on("/a", "content");
    const url = rig.server.url("/a");
    const first = await rig.downloads().fetch(url, sumOf("content"), forever);
    const second = await rig.downloads().fetch(rig.server.url("/moved"), sumOf("content"), forever);
    expect(second).toEqual(first);
    expect(rig.server.asked).toEqual(["/a"]);
  });

  test("without one is asked for by each bake, and sent again only when it has changed", async () => {
    await using rig = await start();
    let content = "one";
    let sent = 0;
    rig.server.on("/a", (request, response) => {
      const etag = `"${content}"`;
      if (request.headers["if-none-match"] === etag) return void response.writeHead(304).end();
      sent += 1;
      response.writeHead(200, { etag }).end(content);
    });
    const fetchAnew = () => rig.downloads().fetch(rig.server.url("/a"), null, forever);
    expect((await fetchAnew()).sha256).toBe(sumOf("one"));
    expect((await fetchAnew()).sha256).toBe(sumOf("one"));
    expect([sent, rig.server.asked.length]).toEqual([1, 2]);
    content = "two";
    expect((await fetchAnew()).sha256).toBe(sumOf("two"));
    expect(sent).toBe(2);
  });

  test("is asked about by its date where the server gives no tag", async () => {
    await using rig = await start();
    const date = "Sun, 06 Nov 1994 08:49:37 GMT";
    rig.server.on("/a", (request, response) => {
      const isKnown = request.headers["if-modified-since"] === date;
      response.writeHead(isKnown ? 304 : 200, { "last-modified": date }).end(isKnown ? "" : "x");
    });
    await rig.downloads().fetch(rig.server.url("/a"), null, forever);
    const again = await rig.downloads().fetch(rig.server.url("/a"), null, forever);
    expect(await readFile(again.path, "utf8")).toBe("x");
  });

  test("that somebody removed from the cache is sent anew", async () => {
    await using rig = await start();
    rig.server.on("/a", (_request, response) => void response.writeHead(200, { etag: '"1"' }).end("x"));
    await rig.downloads().fetch(rig.server.url("/a"), null, forever);
    await rm(join(rig.home, "downloads", sumOf("x").slice(7)), { recursive: true });
    const again = await rig.downloads().fetch(rig.server.url("/a"), null, forever);
    expect(await readFile(again.path, "utf8")).toBe("x");
  });

  test("that two steps want at once is fetched once", async () => {
    await using rig = await start();
    rig.server.on("/a", "x");
    const downloads = rig.downloads();
    const both = [1, 2].map(() => downloads.fetch(rig.server.url("/a"), null, forever));
    const [first, second] = await Promise.all(both);
    expect(second).toEqual(first);
    expect(rig.server.asked).toEqual(["/a"]);
  });

  test("tells how far it is", async () => {
    await using rig = await start();
    rig.server.on(
      "/a",
      (_request, response) => void response.writeHead(200, { "content-length": 7 }).end("content"),
    );
    const told: unknown[] = [];
    await rig
      .downloads({ onProgress: (progress) => told.push(progress) })
      .fetch(rig.server.url("/a"), null, forever);
    expect(told.at(-1)).toEqual({ url: rig.server.url("/a"), doneBytes: 7, totalBytes: 7 });
  });

  test("is followed to where it moved", async () => {
    await using rig = await start();
    rig.server.on("/a", (_request, response) => void response.writeHead(302, { location: "/b" }).end());
    rig.server.on("/b", "moved");
    expect((await rig.downloads().fetch(rig.server.url("/a"), null, forever)).sha256).toBe(sumOf("moved"));
  });

  test("is tried again when the server is busy or the transfer breaks", async () => {
    await using rig = await start();
    let attempts = 0;
    rig.server.on("/a", (_request, response) => {
      attempts += 1;
      if (attempts === 1) response.writeHead(503).end();
      else if (attempts === 2) {
        response.writeHead(200, { "content-length": 100 });
        response.write("half", () => response.destroy());
      } else response.end("whole");
    });
    expect((await rig.downloads().fetch(rig.server.url("/a"), null, forever)).sha256).toBe(sumOf("whole"));
    expect(attempts).toBe(3);
  });
});

describe("what cannot be had", () => {
  test("another checksum is a mistake, and nothing of it is kept", async () => {
    await using rig = await start();
    rig.server.on("/a", "evil");
    const failing = rig.downloads().fetch(rig.server.url("/a"), sumOf("good"), forever);
    expect(await failureOf(failing)).toEqual(["ChecksumMismatch", "usage"]);
    expect(await readdir(join(rig.home, "downloads"))).toEqual([]);
  });

  test("no such file, and one behind a password, are mistakes that are not tried again", async () => {
    await using rig = await start();
    rig.server.on("/secret", (_request, response) => void response.writeHead(401).end());
    for (const path of ["/none", "/secret"]) {
      const failing = rig.downloads().fetch(rig.server.url(path), null, forever);
      expect(await failureOf(failing)).toEqual(["DownloadRefused", "usage"]);
    }
    expect(rig.server.asked).toEqual(["/none", "/secret"]);
  });

  test("a server that stays busy is trouble of the environment", async () => {
    await using rig = await start();
    rig.server.on("/a", (_request, response) => void response.writeHead(500).end());
    const failing = rig.downloads().fetch(rig.server.url("/a"), null, forever);
    expect(await failureOf(failing)).toEqual(["DownloadFailed", "environment"]);
    expect(rig.server.asked).toHaveLength(4);
  });

  test("nobody who listens is told at once", async () => {
    await using rig = await start();
    const url = rig.server.url("/a");
    await rig.server[Symbol.asyncDispose]();
    await using other = await start();
    expect(await failureOf(other.downloads().fetch(url, null, forever))).toEqual([
      "DownloadFailed",
      "environment",
    ]);
    rig.server.asked.length = 0;
  });

  test("a redirect in a circle, and one that gives up encryption, are not followed", async () => {
    await using rig = await start();
    rig.server.on("/a", (_request, response) => void response.writeHead(302, { location: "/a" }).end());
    const failing = rig.downloads().fetch(rig.server.url("/a"), null, forever);
    expect(await failureOf(failing)).toEqual(["DownloadFailed", "environment"]);
    rig.server.on(
      "/b",
      (_request, response) => void response.writeHead(302, { location: "file:///etc/passwd" }).end(),
    );
    const unsafe = rig.downloads().fetch(rig.server.url("/b"), null, forever);
    expect(await failureOf(unsafe)).toEqual(["DownloadFailed", "environment"]);
  });

  test("a file larger than the limit is refused, said or not", async () => {
    await using rig = await start();
    rig.server.on(
      "/said",
      (_request, response) => void response.writeHead(200, { "content-length": 20 }).end("x".repeat(20)),
    );
    rig.server.on("/unsaid", (_request, response) => {
      response.write("x".repeat(15));
      response.end("x".repeat(5));
    });
    for (const path of ["/said", "/unsaid"]) {
      const failing = rig.downloads({ maximumBytes: 10 }).fetch(rig.server.url(path), null, forever);
      expect(await failureOf(failing)).toEqual(["DownloadTooLarge", "usage"]);
    }
    expect(await readdir(join(rig.home, "downloads"))).toEqual([]);
  });

  test("a bake that is stopped stops the transfer, with the reason", async () => {
    await using rig = await start();
    const controller = new AbortController();
    const reason = new Error("stopped");
    rig.server.on("/a", (_request, response) => void response.write("first"));
    const downloads = rig.downloads({ onProgress: () => controller.abort(reason) });
    await expect(downloads.fetch(rig.server.url("/a"), null, controller.signal)).rejects.toBe(reason);
    expect(await readdir(join(rig.home, "downloads"))).toEqual([]);
  });
});
