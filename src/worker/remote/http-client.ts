import * as http from "node:http";
import * as https from "node:https";
import { type Access, clientHeaders } from "./access.ts";

export interface ConnectionOptions extends Access {
  /** Of the worker, with a path before which all of the worker's paths go when a proxy needs one. */
  readonly url: URL;
  readonly beatIntervalMs?: number;
  readonly silenceLimitMs?: number;
  readonly connectTimeoutMs?: number;
  /** How long an aborted call waits for the worker to clean up. */
  readonly cleanupLimitMs?: number;
}

/** HTTP requests to one worker over kept connections. */
export class HttpClient {
  readonly options: ConnectionOptions;
  readonly #agent: http.Agent;

  constructor(options: ConnectionOptions) {
    this.options = options;
    const agentOptions = { keepAlive: true, keepAliveMsecs: 10_000, scheduling: "lifo" } as const;
    this.#agent =
      options.url.protocol === "https:" ? new https.Agent(agentOptions) : new http.Agent(agentOptions);
  }

  close(): void {
    this.#agent.destroy();
  }

  /** A request without a body, sent and not looked at beyond its status; undefined when it got no answer. */
  note(method: "POST" | "DELETE", path: string, signal: AbortSignal): Promise<number | undefined> {
    const status = Promise.withResolvers<number | undefined>();
    const request = this.request(method, path, {});
    const stop = () => request.destroy();
    signal.addEventListener("abort", stop, { once: true });
    request.on("close", () => {
      signal.removeEventListener("abort", stop);
      status.resolve(undefined);
    });
    request.on("response", (response) => {
      response.resume();
      status.resolve(response.statusCode);
    });
    // Whether the worker is still there shows on the call that this note is about.
    request.on("error", () => status.resolve(undefined));
    request.end();
    return status.promise;
  }

  request(method: string, path: string, headers: http.OutgoingHttpHeaders): http.ClientRequest {
    const { url } = this.options;
    const transport = url.protocol === "https:" ? https : http;
    return transport.request({
      agent: this.#agent,
      hostname: url.hostname.replace(/^\[|\]$/g, ""),
      port: url.port,
      path: `${url.pathname.replace(/\/$/, "")}${path}`,
      method,
      headers: { ...clientHeaders(this.options), ...headers },
    });
  }
}
