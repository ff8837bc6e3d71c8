import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { mediaTypes } from "../../../src/images/manifest.ts";
import type { TinyImage } from "./tiny-image.ts";

/** Handles a request; returns false to leave it to the registry's normal behaviour. */
export type Script = (request: IncomingMessage, response: ServerResponse, count: number) => boolean;

/** A registry with one image under every name and tag, and with the troubles that a script makes. */
export class ScriptedRegistry implements AsyncDisposable {
  readonly host: string;
  /** All requests so far, e.g. `GET /v2/base/manifests/1`. */
  readonly requests: string[] = [];
  readonly authorizations: (string | undefined)[] = [];
  readonly #server: Server;

  private constructor(server: Server, host: string) {
    this.#server = server;
    this.host = host;
  }

  static async start(image: TinyImage, script: Script = () => false): Promise<ScriptedRegistry> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address() as AddressInfo; // of a listening TCP server
    const registry = new ScriptedRegistry(server, `127.0.0.1:${address.port}`);
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      registry.requests.push(`${request.method} ${request.url}`);
      registry.authorizations.push(request.headers.authorization);
      const count = registry.requests.filter((line) => line === `${request.method} ${request.url}`).length;
      if (!script(request, response, count)) serve(image, request, response);
    });
    return registry;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

function serve(image: TinyImage, request: IncomingMessage, response: ServerResponse): void {
  const path = request.url ?? "";
  if (path.includes("/manifests/")) {
    response.setHeader("content-type", mediaTypes.dockerManifest);
    response.end(image.manifest);
    return;
  }
  const blob = image.blobs.get(path.slice(path.lastIndexOf("/") + 1));
  if (blob === undefined) {
    response.writeHead(404).end();
    return;
  }
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (start > 0) {
    response.writeHead(206, { "content-range": `bytes ${start}-${blob.byteLength - 1}/${blob.byteLength}` });
  }
  response.end(blob.subarray(start));
}
