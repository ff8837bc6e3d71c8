import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import * as http from "node:http";
import * as https from "node:https";
import type { Failure } from "../../diagnostics/failure.ts";
import { type Access, checkServer, clientHeaders } from "./access.ts";
import { cancelledBy, connectionLost, notAWorker, unreachable } from "./connection-failures.ts";
import { beatIntervalMs, callHeader, silenceLimitMs } from "./protocol.ts";
import { watchSilence } from "./silence-watch.ts";

export interface ConnectionOptions extends Access {
  /** Of the worker, with a path before which all of the worker's paths go when a proxy needs one. */
  readonly url: URL;
  readonly beatIntervalMs?: number;
  readonly silenceLimitMs?: number;
  readonly connectTimeoutMs?: number;
  /** How long an aborted call waits for the worker to clean up. */
  readonly cleanupLimitMs?: number;
}

export interface OutgoingCall {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly contentType?: string;
  readonly body?: Buffer | AsyncIterable<Uint8Array>;
  /** For messages: what is going on, e.g. `the steps ran`. */
  readonly during: string;
  /** `wait`: an aborted call ends when the worker has cleaned up; `drop`: at once. */
  readonly onAbort: "wait" | "drop";
  /** Asking twice does no harm. */
  readonly isRepeatable?: boolean;
}

/** The answer's body; every piece read is a sign of life. */
export type AnswerReader<Result> = (body: AsyncIterable<Buffer>) => Promise<Result>;

/** HTTP calls to one worker over kept connections. */
export class Connection {
  readonly options: ConnectionOptions;
  readonly #agent: http.Agent;

  constructor(options: ConnectionOptions) {
    this.options = options;
    const agentOptions = { keepAlive: true, keepAliveMsecs: 10_000, scheduling: "lifo" } as const;
    this.#agent =
      options.url.protocol === "https:" ? new https.Agent(agentOptions) : new http.Agent(agentOptions);
  }

  get agent(): http.Agent {
    return this.#agent;
  }

  close(): void {
    this.#agent.destroy();
  }

  /**
   * @throws Failure `WorkerUnreachable`, `WorkerConnectionLost`, `WorkerVersionMismatch`, `Cancelled`, and whatever
   *   `read` makes of the answer
   */
  async call<Result>(call: OutgoingCall, read: AnswerReader<Result>, signal: AbortSignal): Promise<Result> {
    if (signal.aborted) throw cancelledBy(signal);
    const attempt = new CallAttempt(this, call, signal);
    try {
      return await attempt.run(read);
    } catch (error) {
      if (signal.aborted) throw cancelledBy(signal);
      // The server closed a kept connection just as it was used again.
      if (call.isRepeatable === true && attempt.metClosedConnection) {
        return await new CallAttempt(this, call, signal).run(read);
      }
      throw error;
    }
  }

  /** A request without a body, sent and not looked at beyond its status; undefined when it got no answer. */
  note(method: "POST" | "DELETE", path: string): Promise<number | undefined> {
    const status = Promise.withResolvers<number | undefined>();
    const request = this.request(method, path, {});
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

/** One request on its way; ends with its answer, or with the first thing that goes wrong. */
class CallAttempt {
  readonly #connection: Connection;
  readonly #call: OutgoingCall;
  readonly #signal: AbortSignal;
  readonly #id = randomUUID();
  readonly #request: http.ClientRequest;
  readonly #trouble = Promise.withResolvers<never>();
  #isConnected = false;
  #isAnswered = false;
  metClosedConnection = false;

  constructor(connection: Connection, call: OutgoingCall, signal: AbortSignal) {
    this.#connection = connection;
    this.#call = call;
    this.#signal = signal;
    this.#request = connection.request(call.method, call.path, {
      [callHeader]: this.#id,
      ...(call.contentType === undefined ? {} : { "content-type": call.contentType }),
      ...(call.body instanceof Buffer ? { "content-length": call.body.length } : {}),
    });
  }

  async run<Result>(read: AnswerReader<Result>): Promise<Result> {
    const { options } = this.#connection;
    const watch = watchSilence(options.silenceLimitMs ?? silenceLimitMs, () =>
      this.#fail(this.#lost(new Error("no sign of life from the worker"))),
    );
    const beat = setInterval(
      () => void this.#connection.note("POST", `/calls/${this.#id}/alive`),
      options.beatIntervalMs ?? beatIntervalMs,
    );
    beat.unref();
    const connecting = this.#watchConnecting();
    let cleanup: NodeJS.Timeout | undefined;
    const onAbort = () => {
      cleanup = this.#abort();
    };
    this.#signal.addEventListener("abort", onAbort, { once: true });
    this.#request.on("drain", watch.heard);
    try {
      const answer = this.#answer(read, watch.heard);
      return await Promise.race([answer, this.#trouble.promise]);
    } finally {
      watch.stop();
      clearInterval(beat);
      clearTimeout(connecting);
      clearTimeout(cleanup);
      this.#signal.removeEventListener("abort", onAbort);
      // After a complete exchange this leaves the connection to the next call.
      if (!this.#isFinished()) this.#request.destroy();
    }
  }

  #isFinished(): boolean {
    return this.#request.writableFinished && this.#isAnswered;
  }

  #watchConnecting(): NodeJS.Timeout {
    const timeoutMs = this.#connection.options.connectTimeoutMs ?? 10_000;
    const timer = setTimeout(() => {
      if (this.#isConnected) return;
      this.#fail(unreachable(this.#connection.options.url, new Error(`no answer within ${timeoutMs} ms`)));
    }, timeoutMs);
    this.#request.on("socket", (socket) => {
      if (socket.connecting) socket.once("connect", () => this.#markConnected());
      else this.#markConnected();
    });
    return timer;
  }

  #markConnected(): void {
    this.#isConnected = true;
  }

  #fail(error: unknown): void {
    this.#trouble.reject(error);
  }

  #lost(cause?: unknown): Failure {
    return connectionLost(this.#connection.options.url, this.#call.during, cause);
  }

  async #answer<Result>(read: AnswerReader<Result>, heard: () => void): Promise<Result> {
    const response = Promise.withResolvers<http.IncomingMessage>();
    this.#request.on("response", response.resolve);
    this.#request.on("error", (error) => {
      const { url } = this.#connection.options;
      this.metClosedConnection = this.#request.reusedSocket;
      response.reject(this.#isConnected ? this.#lost(error) : unreachable(url, error));
    });
    void this.#sendBody();
    const message = await response.promise;
    this.metClosedConnection = false;
    heard();
    if (!checkServer(message.headers, this.#connection.options.version)) {
      throw notAWorker(this.#connection.options.url, message.statusCode);
    }
    return await read(this.#bodyOf(message, heard));
  }

  async *#bodyOf(message: http.IncomingMessage, heard: () => void): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of message) {
        heard();
        yield chunk;
      }
    } catch (error) {
      throw this.#lost(error);
    }
    this.#isAnswered = true;
  }

  async #sendBody(): Promise<void> {
    const { body } = this.#call;
    if (body === undefined || body instanceof Buffer) {
      this.#request.end(body);
      return;
    }
    let ready = Promise.withResolvers<void>();
    const wake = () => {
      ready.resolve();
      ready = Promise.withResolvers();
    };
    this.#request.on("drain", wake);
    this.#request.on("close", wake);
    try {
      for await (const chunk of body) {
        if (this.#request.destroyed) return;
        if (!this.#request.write(chunk)) await ready.promise;
      }
      this.#request.end();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @returns the timer that ends the wait for the worker's cleaning up */
  #abort(): NodeJS.Timeout | undefined {
    const cancelled = cancelledBy(this.#signal);
    if (this.#call.onAbort === "drop" || !this.#isConnected) {
      this.#fail(cancelled);
      return undefined;
    }
    void this.#connection.note("DELETE", `/calls/${this.#id}`).then((status) => {
      // Not begun yet, or unreachable: closing the connection ends it.
      if (status !== 204) this.#fail(cancelled);
    });
    return setTimeout(() => this.#fail(cancelled), this.#connection.options.cleanupLimitMs ?? 20_000);
  }
}
