import { Buffer } from "node:buffer";
import { WebSocket } from "ws";
import { Failure } from "../../diagnostics/failure.ts";
import { Inbox, SendWindow } from "../flow.ts";
import type { ExecExit, ExecRequest, ExecStreams } from "../worker.ts";
import type { Connection } from "./connection.ts";
import { cancelledBy, connectionLost } from "./connection-failures.ts";
import {
  decodeFrame,
  decodeNumber,
  type ExecChannel,
  type ExecFrame,
  encodeFrame,
  encodeNumber,
  encodeSize,
  execChannel,
  execWindowBytes,
  malformedFrame,
  pieces,
} from "./exec-frames.ts";
import { parseAnswer } from "./json-call.ts";
import { beatIntervalMs, silenceLimitMs } from "./protocol.ts";
import type { ExecOpening } from "./schemas.ts";
import { watchSilence } from "./silence-watch.ts";
import { fromWireFailure, wireFailureSchema } from "./wire-failure.ts";
import { openSocket, untilOpen } from "./worker-socket.ts";

const during = "a command ran in a sandbox";

/** Runs a command in a sandbox of the worker over a connection of its own. */
export async function execOverSocket(
  connection: Connection,
  { request, streams }: { readonly request: ExecRequest; readonly streams: ExecStreams },
  signal: AbortSignal,
): Promise<ExecExit> {
  if (signal.aborted) throw cancelledBy(signal);
  const session = new ExecClient(connection, request);
  const { options } = connection;
  const watch = watchSilence(options.silenceLimitMs ?? silenceLimitMs, () => session.drop());
  const beat = setInterval(() => session.ping(), options.beatIntervalMs ?? beatIntervalMs);
  let cleanup: NodeJS.Timeout | undefined;
  const onAbort = () => {
    session.cancel();
    cleanup = setTimeout(() => session.drop(), options.cleanupLimitMs ?? 20_000);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await session.run(streams, watch.heard);
  } catch (error) {
    throw signal.aborted ? cancelledBy(signal) : error;
  } finally {
    watch.stop();
    clearInterval(beat);
    clearTimeout(cleanup);
    signal.removeEventListener("abort", onAbort);
    session.drop();
  }
}

class ExecClient {
  readonly #connection: Connection;
  readonly #request: ExecRequest;
  readonly #socket: WebSocket;
  readonly #frames = new Inbox<ExecFrame>();
  readonly #input = new SendWindow(execWindowBytes);
  #isOver = false;

  constructor(connection: Connection, request: ExecRequest) {
    this.#connection = connection;
    this.#request = request;
    this.#socket = openSocket(connection, `/sandboxes/${encodeURIComponent(request.sandbox)}/exec`);
  }

  async run(streams: ExecStreams, heard: () => void): Promise<ExecExit> {
    this.#listen(heard);
    await untilOpen(this.#connection, this.#socket);
    const opening: ExecOpening = {
      request: this.#request,
      hasStdin: streams.stdin !== null,
      hasResizes: streams.resizes !== null,
    };
    this.#send(execChannel.opening, Buffer.from(JSON.stringify(opening)));
    const inputTrouble = Promise.withResolvers<never>();
    this.#sendInput(streams).catch(inputTrouble.reject);
    return await Promise.race([this.#receive(streams), inputTrouble.promise]);
  }

  ping(): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping();
  }

  /** Asks the worker to end the command; the answer is an error of category `cancelled`. */
  cancel(): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#send(execChannel.cancel);
    else this.drop();
  }

  drop(): void {
    this.#isOver = true;
    this.#input.close(connectionLost(this.#connection.options.url, during));
    this.#socket.terminate();
  }

  #listen(heard: () => void): void {
    const { url } = this.#connection.options;
    this.#socket.on("ping", heard);
    this.#socket.on("pong", heard);
    this.#socket.on("message", (data) => {
      heard();
      if (!(data instanceof Buffer)) return;
      try {
        const frame = decodeFrame(data);
        if (frame.channel === execChannel.credit) this.#input.grant(decodeNumber(frame.payload));
        else this.#frames.push(frame);
      } catch (error) {
        this.#frames.end(error instanceof Error ? error : malformedFrame(String(error)));
      }
    });
    this.#socket.on("close", () => {
      const lost = connectionLost(url, during);
      this.#frames.end(lost);
      this.#input.close(lost);
    });
  }

  async #receive(streams: ExecStreams): Promise<ExecExit> {
    for await (const { channel, payload } of this.#frames) {
      switch (channel) {
        case execChannel.stdout:
          await streams.stdout(payload);
          this.#send(execChannel.credit, encodeNumber(payload.length));
          break;
        case execChannel.stderr:
          await streams.stderr(payload);
          this.#send(execChannel.credit, encodeNumber(payload.length));
          break;
        case execChannel.exit:
          this.#isOver = true;
          return { exitCode: decodeNumber(payload) };
        case execChannel.error:
          throw fromWireFailure(parseAnswer(payload.toString("utf8"), wireFailureSchema));
        default:
          throw malformedFrame(`channel ${channel} is unknown`);
      }
    }
    throw connectionLost(this.#connection.options.url, during);
  }

  /** Rejects when the caller's input throws; trouble with the connection shows where output is read. */
  async #sendInput(streams: ExecStreams): Promise<void> {
    await Promise.all([this.#sendStdin(streams.stdin), this.#sendResizes(streams.resizes)]);
  }

  async #sendStdin(stdin: ExecStreams["stdin"]): Promise<void> {
    if (stdin === null) return;
    for await (const chunk of stdin) {
      for (const piece of pieces(chunk)) {
        if (!(await this.#hasRoom(piece.length))) return;
        this.#send(execChannel.stdin, piece);
      }
    }
    this.#send(execChannel.stdinEnd);
  }

  async #sendResizes(resizes: ExecStreams["resizes"]): Promise<void> {
    if (resizes === null) return;
    for await (const size of resizes) {
      if (this.#isOver) return;
      this.#send(execChannel.resize, encodeSize(size));
    }
  }

  /** False when nobody listens any more. */
  async #hasRoom(sizeBytes: number): Promise<boolean> {
    if (this.#isOver) return false;
    try {
      await this.#input.take(sizeBytes);
      return true;
    } catch (error) {
      if (error instanceof Failure) return false;
      throw error;
    }
  }

  #send(channel: ExecChannel, payload?: Uint8Array): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(encodeFrame(channel, payload));
  }
}
