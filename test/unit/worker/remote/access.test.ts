import { createServer, request as httpRequest, type RequestListener } from "node:http";
import { expect, test } from "vitest";
import { connectWorker } from "../../../../src/worker/remote/connect-worker.ts";
import { workerProtocol } from "../../../../src/worker/worker.ts";
import { FakeWorker } from "../../../support/fake-worker.ts";
import { remoteToken, startRemoteRig } from "../../../support/remote-rig.ts";
import { execute, forever } from "../contract/contract-rig.ts";

const client = { token: remoteToken, version: "1.2.3", signal: forever };

interface RawAnswer {
  readonly status: number | undefined;
  readonly body: string;
}

/** A request as no lightbox client would send it. */
async function ask(
  url: string,
  method: string,
  headers: Record<string, string>,
  body = "",
): Promise<RawAnswer> {
  const answered = Promise.withResolvers<RawAnswer>();
  const request = httpRequest(url, {
    method,
    headers: { authorization: `Bearer ${remoteToken}`, ...headers },
  });
  request.on("error", answered.reject);
  request.on("response", async (response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    answered.resolve({ status: response.statusCode, body: Buffer.concat(chunks).toString() });
  });
  request.end(body);
  return await answered.promise;
}

async function withServer(listener: RequestListener, use: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(listener);
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  try {
    await use(`http://127.0.0.1:${address.port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const protocol = { "lightbox-protocol": String(workerProtocol), "lightbox-version": "1.2.3" };

test("a wrong token is refused, whatever its length", async () => {
  await using rig = await startRemoteRig(new FakeWorker());
  for (const token of ["x", "", `${remoteToken}x`, remoteToken.slice(1)]) {
    const connecting = connectWorker({ ...client, url: rig.server.url, token });
    await expect(connecting).rejects.toMatchObject({ code: "WorkerRefusedToken", category: "environment" });
  }
});

test("a wrong token is refused before the body has come, and the connection is closed", async () => {
  await using rig = await startRemoteRig(new FakeWorker());
  const headers = { authorization: "Bearer wrong", "content-length": "1000000000" };
  const answered = Promise.withResolvers<number | undefined>();
  const request = httpRequest(`${rig.server.url}/blobs`, { method: "POST", headers });
  const closed = Promise.withResolvers<void>();
  request.on("close", closed.resolve);
  request.on("error", () => closed.resolve());
  request.on("response", (response) => {
    response.resume();
    answered.resolve(response.statusCode);
  });
  request.write("only the beginning");
  expect(await answered.promise).toBe(401);
  await closed.promise;
});

test("exec checks the token, too", async () => {
  await using rig = await startRemoteRig(new FakeWorker());
  const fake = new FakeWorker();
  await using other = await startRemoteRig(fake, {
    server: { token: "another" },
    client: { token: "another" },
  });
  // The same client, but the server at its address now has another token.
  const { port } = other.server;
  const remote = other.remote;
  await other.server.close();
  await using _replaced = await startRemoteRig(new FakeWorker(), { server: { port } });
  await expect(execute(remote, { sandbox: "box", argv: ["pwd"] })).rejects.toMatchObject({
    code: "WorkerRefusedToken",
  });
  expect(rig.internalErrors).toEqual([]);
});

test("a client of another protocol is told both versions and what to do", async () => {
  await using rig = await startRemoteRig(new FakeWorker());
  const other = { "lightbox-protocol": "999", "lightbox-version": "9.9.9" };
  const { status, body } = await ask(`${rig.server.url}/worker`, "GET", other);
  expect(status).toBe(426);
  expect(JSON.parse(body)).toEqual({
    error: {
      code: "WorkerVersionMismatch",
      category: "environment",
      message:
        "this client is lightbox 9.9.9 (worker protocol 999), but the worker is " +
        `lightbox 1.2.3 (worker protocol ${workerProtocol})`,
      hint: "install the same version of lightbox on both sides, and restart the worker",
    },
  });
});

test("a server of another protocol is recognised by the client", async () => {
  const listener: RequestListener = (_request, response) => {
    response.writeHead(200, { "lightbox-protocol": "999", "lightbox-version": "9.9.9" }).end("{}");
  };
  await withServer(listener, async (url) => {
    await expect(connectWorker({ ...client, url })).rejects.toMatchObject({
      code: "WorkerVersionMismatch",
      message: expect.stringMatching(/1\.2\.3.*9\.9\.9 \(worker protocol 999\)/),
    });
  });
});

test("something that is not a worker is called that", async () => {
  await withServer(
    (_request, response) => response.writeHead(502).end("<h1>Bad gateway</h1>"),
    async (url) => {
      await expect(connectWorker({ ...client, url })).rejects.toMatchObject({
        code: "WorkerUnreachable",
        message: expect.stringContaining("not a lightbox worker (HTTP status 502)"),
      });
    },
  );
});

test("a port on which nobody listens, and a name that does not exist, are named", async () => {
  let deadUrl = "";
  await withServer(
    () => {},
    async (url) => {
      deadUrl = url;
    },
  );
  await expect(connectWorker({ ...client, url: deadUrl })).rejects.toMatchObject({
    code: "WorkerUnreachable",
    message: `no worker can be reached at 127.0.0.1 port ${new URL(deadUrl).port}: the connection is refused; nothing listens there`,
  });
  await expect(connectWorker({ ...client, url: "http://worker.invalid:1" })).rejects.toMatchObject({
    code: "WorkerUnreachable",
    message: expect.stringContaining("worker.invalid port 1: the host's name cannot be resolved"),
  });
});

test("an address that is not HTTP is refused", async () => {
  for (const url of ["", "worker", "ftp://worker", "localhost:80"]) {
    await expect(connectWorker({ ...client, url })).rejects.toMatchObject({
      code: "InvalidWorkerAddress",
      category: "usage",
    });
  }
});

test("two servers cannot have one port", async () => {
  await using rig = await startRemoteRig(new FakeWorker());
  const second = startRemoteRig(new FakeWorker(), { server: { port: rig.server.port } });
  await expect(second).rejects.toMatchObject({ code: "PortInUse", category: "environment" });
});

test("an unknown path and a malformed body are refused with what is wrong", async () => {
  await using rig = await startRemoteRig(new FakeWorker());
  const { url } = rig.server;
  const code = (answer: RawAnswer) => JSON.parse(answer.body).error.code;
  const unknown = await ask(`${url}/nothing`, "GET", protocol);
  expect([unknown.status, code(unknown)]).toEqual([404, "UnknownRoute"]);
  for (const body of ["", "{", "[]", '{"keys":["../../etc/passwd"]}', '{"keys":null}']) {
    const malformed = await ask(`${url}/layers/find`, "POST", protocol, body);
    expect([malformed.status, code(malformed)]).toEqual([500, "MalformedRequest"]);
  }
  const badDigest = await ask(`${url}/blobs/..%2f..%2fx`, "PUT", protocol, "content");
  expect(code(badDigest)).toBe("MalformedRequest");
  expect(rig.internalErrors).toEqual([]);
});

test("a bug of the worker arrives as one, and the server's owner learns of it", async () => {
  class BrokenWorker extends FakeWorker {
    override async listSnapshots(): Promise<never> {
      throw new TypeError("cannot read it");
    }
  }
  await using rig = await startRemoteRig(new BrokenWorker());
  await expect(rig.remote.listSnapshots(forever)).rejects.toMatchObject({
    code: "WorkerInternalError",
    category: "internal",
    message: expect.stringContaining("cannot read it"),
  });
  expect(rig.internalErrors).toEqual([new TypeError("cannot read it")]);
});

test("a server that refuses new connections serves those it has", async () => {
  const worker = new FakeWorker();
  await using rig = await startRemoteRig(worker);
  await using connected = await connectWorker({ ...client, url: rig.server.url });
  rig.server.refuseNewConnections();
  await expect(connectWorker({ ...client, url: rig.server.url })).rejects.toMatchObject({
    code: "WorkerConnectionLost",
  });
  expect(await connected.listSnapshots(forever)).toEqual([]);
});
