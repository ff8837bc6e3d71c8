import { type IncomingMessage, type Server, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { Failure } from "../../diagnostics/failure.ts";
import { checkClient, serverHeaders } from "./access.ts";
import { execFrameLimitBytes } from "./exec-frames.ts";
import { serveExec } from "./exec-server.ts";
import { callHeader, jsonType, sameVersionHint } from "./protocol.ts";
import type { ListenerOptions } from "./request-listener.ts";
import { httpStatusOf, toWireFailure } from "./wire-failure.ts";

const paths = [
  { kind: "exec", pattern: /^\/sandboxes\/([^/?]+)\/exec$/ },
  { kind: "agents", pattern: /^\/lineages\/([^/?]+)\/agents$/ },
] as const;

/** Accepts WebSocket connections on the server, after the same checks as any request. */
export function acceptSockets(server: Server, options: ListenerOptions): { terminate(): void } {
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: execFrameLimitBytes,
  });
  sockets.on("headers", (headers) => {
    for (const [name, value] of Object.entries(serverHeaders(options.version)))
      headers.push(`${name}: ${value}`);
  });
  server.on("upgrade", (request: IncomingMessage, connection: Duplex, head) => {
    try {
      checkClient(request.headers, options);
      const { kind, name } = targetOf(request);
      sockets.handleUpgrade(request, connection, head, (socket) => {
        const id = request.headers[callHeader];
        const callKind = kind === "exec" ? "exec" : "request";
        const call = options.calls.begin(callKind, typeof id === "string" ? id : undefined);
        const served =
          kind === "exec"
            ? serveExec({ ...options, socket, sandbox: name, call })
            : options.agentLinks.serve({ ...options, socket, lease: name, call });
        void served.finally(call.end);
      });
    } catch (error) {
      refuseUpgrade(connection, error, options.version);
    }
  });
  return {
    terminate: () => {
      for (const socket of sockets.clients) socket.terminate();
    },
  };
}

function targetOf(request: IncomingMessage): {
  readonly kind: (typeof paths)[number]["kind"];
  readonly name: string;
} {
  for (const { kind, pattern } of paths) {
    const name = pattern.exec(request.url ?? "")?.[1];
    if (name === undefined) continue;
    try {
      return { kind, name: decodeURIComponent(name) };
    } catch (error) {
      if (!(error instanceof URIError)) throw error;
    }
  }
  throw new Failure({
    code: "UnknownRoute",
    category: "internal",
    message: `a lightbox worker does not know the connection ${request.url}`,
    hint: sameVersionHint,
  });
}

function refuseUpgrade(connection: Duplex, error: unknown, version: string): void {
  const wire = toWireFailure(error);
  const body = `${JSON.stringify({ error: wire })}\n`;
  const status = httpStatusOf(wire);
  const headers = {
    ...serverHeaders(version),
    "content-type": jsonType,
    "content-length": String(Buffer.byteLength(body)),
    connection: "close",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  // The client may be gone already; there is nobody to tell.
  connection.on("error", () => connection.destroy());
  connection.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Refused"}\r\n${lines.join("")}\r\n${body}`);
}
