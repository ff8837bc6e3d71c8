import { createServer, type RequestListener } from "node:http";
import { describe, expect, test } from "vitest";
import { answersHttp } from "../../../src/machine/readiness.ts";

describe("a worker is there", () => {
  test.each([
    [200, true],
    [401, true],
    [404, true],
    [500, false],
    [503, false],
  ])("when it answers with status %d: %s", async (status, expected) => {
    await using server = await serving((_request, response) => response.writeHead(status).end());

    expect(await answersHttp(checkOf(server.port))).toBe(expected);
  });

  test("only to somebody who shows the token", async () => {
    const seen: (string | undefined)[] = [];
    await using server = await serving((request, response) => {
      seen.push(request.headers.authorization);
      response.end();
    });
    await answersHttp(checkOf(server.port));

    expect(seen).toEqual(["Bearer secret"]);
  });

  test("not when it accepts and stays silent, nor when the port is closed", async () => {
    await using server = await serving(() => {});
    expect(await answersHttp({ ...checkOf(server.port), timeoutMs: 100 })).toBe(false);
    await server[Symbol.asyncDispose]();
    expect(await answersHttp(checkOf(server.port))).toBe(false);
  });
});

function checkOf(hostPort: number) {
  return { hostPort, token: "secret", path: "/version", timeoutMs: 10_000 };
}

async function serving(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening on a port");
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
