import type { IncomingMessage } from "node:http";
import * as v from "valibot";
import { WebSocket } from "ws";
import { checkServer, clientHeaders } from "./access.ts";
import type { Connection } from "./connection.ts";
import { notAWorker, unreachable } from "./connection-failures.ts";
import { execFrameLimitBytes } from "./exec-frames.ts";
import { readEnvelope } from "./json-call.ts";

/** Begins a WebSocket connection to the worker; {@link untilOpen} tells what became of it. */
export function openSocket(
  { options }: Connection,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): WebSocket {
  const { url, connectTimeoutMs } = options;
  const target = new URL(url);
  target.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  target.pathname = `${url.pathname.replace(/\/$/, "")}${path}`;
  return new WebSocket(target, {
    headers: { ...clientHeaders(options), ...headers },
    perMessageDeflate: false,
    maxPayload: execFrameLimitBytes,
    handshakeTimeout: connectTimeoutMs ?? 10_000,
  });
}

/** @throws Failure `WorkerUnreachable`, `WorkerVersionMismatch`, and what the worker refuses it with */
export async function untilOpen({ options }: Connection, socket: WebSocket): Promise<void> {
  const { url, version } = options;
  const opened = Promise.withResolvers<void>();
  const explainRefusal = async (response: IncomingMessage): Promise<never> => {
    if (checkServer(response.headers, version)) await readEnvelope(v.unknown())(response);
    throw notAWorker(url, response.statusCode);
  };
  socket.on("upgrade", (response) => {
    try {
      if (!checkServer(response.headers, version)) opened.reject(notAWorker(url, response.statusCode));
    } catch (error) {
      opened.reject(error);
    }
  });
  socket.on("open", opened.resolve);
  socket.on("error", (error) => opened.reject(unreachable(url, error)));
  socket.on("unexpected-response", (_request, response) => {
    explainRefusal(response).catch(opened.reject);
  });
  await opened.promise;
}
