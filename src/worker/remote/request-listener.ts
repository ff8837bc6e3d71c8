import type { IncomingMessage, ServerResponse } from "node:http";
import createRouter from "find-my-way";
import { Failure } from "../../diagnostics/failure.ts";
import type { Worker } from "../worker.ts";
import { type Access, checkClient } from "./access.ts";
import type { AgentLinks } from "./agent-links.ts";
import { type Call, type CallKind, type Calls, cancelledByClient, clientVanished } from "./calls.ts";
import { answerJson, type Exchange, explainError, sendFailure } from "./exchange.ts";
import { serveLineage } from "./lineage-route.ts";
import { callHeader, sameVersionHint } from "./protocol.ts";
import { jsonRoutes } from "./routes.ts";
import type { Spool } from "./spool.ts";
import { toWireFailure } from "./wire-failure.ts";

export interface ListenerOptions extends Access {
  readonly worker: Worker;
  readonly calls: Calls;
  readonly spool: Spool;
  readonly agentLinks: AgentLinks;
  readonly beatIntervalMs: number;
  readonly onInternalError?: (error: unknown) => void;
}

type Parameters = Readonly<Record<string, string | undefined>>;
type Listener = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Checks each request's token and version before its body is read, and gives it to its route. */
export function createRequestListener(options: ListenerOptions): Listener {
  const { calls, worker, spool } = options;
  const router = createRouter({
    // Names of snapshots and sandboxes may be longer than the router's default of 100 characters.
    maxParamLength: 1000,
    defaultRoute: (request) => {
      throw unknownRoute(request);
    },
  });
  for (const { method, path, serve } of jsonRoutes(worker, spool)) {
    router.on(method, path, (request, response, parameters) =>
      inCall({ kind: "request", request, response, parameters }, options, async (exchange) => {
        await answerJson(exchange, options.beatIntervalMs, () => serve(exchange));
      }),
    );
  }
  router.on("POST", "/lineages", (request, response, parameters) =>
    inCall({ kind: "lineage", request, response, parameters }, options, (exchange) =>
      serveLineage(exchange, options),
    ),
  );
  router.on("POST", "/calls/:id/alive", (_request, response, { id = "" }) => {
    const call = calls.get(id);
    call?.heard();
    response.writeHead(call === undefined ? 404 : 204).end();
  });
  router.on("DELETE", "/calls/:id", (_request, response, { id = "" }) => {
    const call = calls.get(id);
    call?.abort(cancelledByClient());
    response.writeHead(call === undefined ? 404 : 204).end();
  });
  return async (request, response) => {
    try {
      checkClient(request.headers, options);
      await router.lookup(request, response);
    } catch (error) {
      // The body stays unread: the connection cannot be used for another request.
      if (!response.headersSent) response.setHeader("connection", "close");
      sendFailure(response, toWireFailure(error));
    }
  };
}

interface Incoming {
  readonly kind: CallKind;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly parameters: Parameters;
}

async function inCall(
  { kind, request, response, parameters }: Incoming,
  options: ListenerOptions,
  serve: (exchange: Exchange) => Promise<void>,
): Promise<void> {
  const id = request.headers[callHeader];
  const call = options.calls.begin(kind, typeof id === "string" ? id : undefined);
  abortWithConnection(call, response);
  const query = new URL(request.url ?? "/", "http://worker").searchParams;
  const exchange: Exchange = {
    request,
    response,
    call,
    parameter: (name) => parameters[name] ?? "",
    query,
    explain: (error) => explainError(error, call.signal, options.onInternalError),
  };
  try {
    await serve(exchange);
  } catch (error) {
    sendFailure(response, exchange.explain(error));
  } finally {
    call.end();
  }
}

/** A client that closes the connection gives up its call; one that has vanished loses its connection. */
function abortWithConnection(call: Call, response: ServerResponse): void {
  const vanished = clientVanished();
  response.on("close", () => {
    if (!response.writableFinished) call.abort(vanished);
  });
  call.signal.addEventListener("abort", () => {
    const { reason } = call.signal;
    if (reason instanceof Failure && reason.code === vanished.code) response.destroy();
  });
}

function unknownRoute(request: IncomingMessage): Failure {
  return new Failure({
    code: "UnknownRoute",
    category: "internal",
    message: `a lightbox worker does not know ${request.method} ${request.url}`,
    hint: sameVersionHint,
  });
}
