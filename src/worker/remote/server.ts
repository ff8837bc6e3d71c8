import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { listenFailure } from "../listen-failure.ts";
import type { Worker } from "../worker.ts";
import { serverHeaders } from "./access.ts";
import { AgentLinks } from "./agent-links.ts";
import { Calls, type ServerActivity, serverClosing } from "./calls.ts";
import { beatIntervalMs, type ContentHasher, silenceLimitMs } from "./protocol.ts";
import { createRequestListener } from "./request-listener.ts";
import { acceptSockets } from "./socket-upgrade.ts";
import { Spool } from "./spool.ts";

export interface WorkerServerOptions {
  readonly worker: Worker;
  /** Address to listen on, e.g. `127.0.0.1`. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly token: string;
  /** Of this lightbox. */
  readonly version: string;
  /** For the files of build contexts on their way to steps; emptied at the start. */
  readonly spoolFolder: string;
  /** Names contents exactly as the client does. */
  readonly createHasher: () => ContentHasher;
  readonly spoolLimitBytes?: number;
  /** Told at every change of what clients wait for, so that an idle machine can be shut down. */
  readonly onActivity?: (activity: ServerActivity) => void;
  /** Told of bugs: errors that are not Failures. */
  readonly onInternalError?: (error: unknown) => void;
  /** Aborting it closes the server. */
  readonly signal?: AbortSignal;
  readonly beatIntervalMs?: number;
  readonly silenceLimitMs?: number;
  /** How long `close` waits for aborted calls before it cuts their connections. */
  readonly closeTimeoutMs?: number;
}

export interface WorkerServer {
  readonly url: string;
  readonly port: number;
  /** Clients that are connected go on; to new ones the worker is not there (any more, or yet: it may be started again). */
  refuseNewConnections(): void;
  /** Aborts what runs, lets it clean up for a bounded time, and closes all connections. */
  close(): Promise<void>;
}

const hourMs = 60 * 60 * 1000;
const defaultSpoolLimitBytes = 32 * 1024 ** 3;

/**
 * Serves a worker over HTTP; docs/worker-protocol.md describes the protocol. The worker itself stays the caller's.
 * @throws Failure `PortInUse`, `AddressNotAllowed`
 */
export async function startWorkerServer(options: WorkerServerOptions): Promise<WorkerServer> {
  if (options.token.length === 0) throw new Error("a worker server needs a token");
  const calls = new Calls(options.onActivity, { silenceLimitMs: options.silenceLimitMs ?? silenceLimitMs });
  const spool = await Spool.open({
    folder: options.spoolFolder,
    createHasher: options.createHasher,
    limitBytes: options.spoolLimitBytes ?? defaultSpoolLimitBytes,
    maxAgeMs: hourMs,
    now: () => performance.now(),
  });
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: 75_000, keepAlive: true });
  const shared = {
    ...options,
    calls,
    spool,
    agentLinks: new AgentLinks(),
    beatIntervalMs: options.beatIntervalMs ?? beatIntervalMs,
  };
  const listener = createRequestListener(shared);
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    for (const [name, value] of Object.entries(serverHeaders(options.version)))
      response.setHeader(name, value);
    void listener(request, response);
  });
  const sockets = acceptSockets(server, shared);
  try {
    await listen(server, options);
  } catch (error) {
    await spool.close();
    throw error;
  }
  const sweep = setInterval(() => void spool.dropOld(), hourMs / 6);
  sweep.unref();

  let refusesConnections = false;
  server.on("connection", (socket) => {
    if (refusesConnections) socket.destroy();
  });
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= (async () => {
      clearInterval(sweep);
      const stopped = Promise.withResolvers<void>();
      server.close(() => stopped.resolve());
      server.closeIdleConnections();
      calls.abortAll(serverClosing());
      await atMost(calls.untilIdle(), options.closeTimeoutMs ?? 10_000);
      sockets.terminate();
      server.closeAllConnections();
      await stopped.promise;
      await spool.close();
    })();
    return closing;
  };
  if (options.signal?.aborted === true) await close();
  options.signal?.addEventListener("abort", () => void close(), { once: true });
  const { port } = addressOf(server);
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  const refuseNewConnections = () => {
    refusesConnections = true;
  };
  return { url: `http://${host}:${port}`, port, refuseNewConnections, close };
}

async function listen(server: Server, { host, port }: WorkerServerOptions): Promise<void> {
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject);
  server.listen({ host, port }, () => listening.resolve());
  try {
    await listening.promise;
  } catch (error) {
    const otherPortHint = "choose another port with --port, or stop that program";
    throw listenFailure(error, { address: host, port, otherPortHint }) ?? error;
  } finally {
    server.off("error", listening.reject);
  }
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new Error("the server does not listen on a port");
  return address;
}

async function atMost(promise: Promise<void>, timeoutMs: number): Promise<void> {
  const timeout = Promise.withResolvers<void>();
  const timer = setTimeout(timeout.resolve, timeoutMs);
  await Promise.race([promise, timeout.promise]);
  clearTimeout(timer);
}
