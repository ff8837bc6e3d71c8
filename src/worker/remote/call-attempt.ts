import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import type { ClientRequest, IncomingMessage } from "node:http";
import type { Failure } from "../../diagnostics/failure.ts";
import { checkServer } from "./access.ts";
import { cancelledBy, connectionLost, notAWorker, unreachable } from "./connection-failures.ts";
import type { HttpClient } from "./http-client.ts";
import { beatIntervalMs, callHeader, silenceLimitMs } from "./protocol.ts";
import { watchSilence } from "./silence-watch.ts";

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

/** One request on its way; ends with its answer, or with the first thing that goes wrong. */
export class CallAttempt {
  readonly #client: HttpClient;
  readonly #call: OutgoingCall;
  readonly #signal: AbortSignal;
  readonly #id = randomUUID();
  readonly #request: ClientRequest;
  /** Ends the requests about this one with it. */
  readonly #notes = new AbortController();
  readonly #trouble = Promise.withResolvers<never>();
  #isConnected = false;
  #isAnswered = false;
  metClosedConnection = false;

  constructor(client: HttpClient, call: OutgoingCall, signal: AbortSignal) {
    this.#client = client;
    this.#call = call;
    this.#signal = signal;
    this.#request = client.request(call.method, call.path, {
      [callHeader]: this.#id,
      ...(call.contentType === undefined ? {} : { "content-type": call.contentType }),
      ...(call.body instanceof Buffer ? { "content-length": call.body.length } : {}),
    });
  }

  async run<Result>(read: AnswerReader<Result>): Promise<Result> {
    const { options } = this.#client;
    const watch = watchSilence(options.silenceLimitMs ?? silenceLimitMs, () =>
      this.#fail(this.#lost(new Error("no sign of life from the worker"))),
    );
    const beat = this.#startBeat(options.beatIntervalMs ?? beatIntervalMs);
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
      this.#notes.abort();
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

  #startBeat(intervalMs: number): NodeJS.Timeout {
    let isUnanswered = false;
    const beat = setInterval(async () => {
      if (isUnanswered) return;
      isUnanswered = true;
      await this.#client.note("POST", `/calls/${this.#id}/alive`, this.#notes.signal);
      isUnanswered = false;
    }, intervalMs);
    beat.unref();
    return beat;
  }

  #watchConnecting(): NodeJS.Timeout {
    const timeoutMs = this.#client.options.connectTimeoutMs ?? 10_000;
    const timer = setTimeout(() => {
      if (this.#isConnected) return;
      this.#fail(unreachable(this.#client.options.url, new Error(`no answer within ${timeoutMs} ms`)));
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
    return connectionLost(this.#client.options.url, this.#call.during, cause);
  }

  async #answer<Result>(read: AnswerReader<Result>, heard: () => void): Promise<Result> {
    const response = Promise.withResolvers<IncomingMessage>();
    this.#request.on("response", response.resolve);
    this.#request.on("error", (error) => {
      const { url } = this.#client.options;
      this.metClosedConnection = this.#request.reusedSocket;
      response.reject(this.#isConnected ? this.#lost(error) : unreachable(url, error));
    });
    void this.#sendBody();
    const message = await response.promise;
    this.metClosedConnection = false;
    heard();
    if (!checkServer(message.headers, this.#client.options.version)) {
      throw notAWorker(this.#client.options.url, message.statusCode);
    }
    return await read(this.#bodyOf(message, heard));
  }

  async *#bodyOf(message: IncomingMessage, heard: () => void): AsyncGenerator<Buffer> {
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
    void this.#client.note("DELETE", `/calls/${this.#id}`, this.#notes.signal).then((status) => {
      // Not begun yet, or unreachable: closing the connection ends it.
      if (status !== 204) this.#fail(cancelled);
    });
    return setTimeout(() => this.#fail(cancelled), this.#client.options.cleanupLimitMs ?? 20_000);
  }
}
