import { Buffer } from "node:buffer";
import type { WebSocket } from "ws";
import { Failure } from "../../diagnostics/failure.ts";
import { Inbox, SendWindow } from "../flow.ts";
import type { ExecExit, TerminalSize, Worker } from "../worker.ts";
import { type Call, cancelledByClient, clientVanished } from "./calls.ts";
import { explainError, parseJson } from "./exchange.ts";
import {
  decodeFrame,
  decodeNumber,
  decodeSize,
  type ExecChannel,
  encodeFrame,
  encodeNumber,
  execChannel,
  execWindowBytes,
  malformedFrame,
  pieces,
} from "./exec-frames.ts";
import { type ExecOpening, execOpeningSchema } from "./schemas.ts";

export interface ExecSessionOptions {
  readonly socket: WebSocket;
  readonly sandbox: string;
  readonly worker: Worker;
  readonly call: Call;
  readonly beatIntervalMs: number;
  readonly onInternalError?: ((error: unknown) => void) | undefined;
}

/** Serves one exec connection; resolves when the command and the connection have ended. Never rejects. */
export async function serveExec(options: ExecSessionOptions): Promise<void> {
  const { socket, call } = options;
  const closed = Promise.withResolvers<void>();
  const session = new ExecSession(options);
  socket.on("close", () => {
    call.abort(clientVanished());
    session.close();
    closed.resolve();
  });
  // `close` follows, and says all that matters here.
  socket.on("error", () => call.abort(clientVanished()));
  socket.on("ping", () => call.heard());
  socket.on("pong", () => call.heard());
  const beat = setInterval(() => socket.ping(), options.beatIntervalMs);
  try {
    const { exitCode } = await session.run();
    session.send(execChannel.exit, encodeNumber(exitCode));
  } catch (error) {
    const wire = explainError(error, call.signal, options.onInternalError);
    session.send(execChannel.error, Buffer.from(JSON.stringify(wire)));
  } finally {
    clearInterval(beat);
  }
  if (socket.readyState === socket.OPEN) socket.close(1000);
  await closed.promise;
}

class ExecSession {
  readonly #options: ExecSessionOptions;
  readonly #opening = Promise.withResolvers<ExecOpening>();
  readonly #output = new SendWindow(execWindowBytes);
  readonly #stdin: Inbox<Buffer>;
  readonly #resizes = new Inbox<TerminalSize>();

  constructor(options: ExecSessionOptions) {
    this.#options = options;
    this.#stdin = new Inbox((chunk) => this.send(execChannel.credit, encodeNumber(chunk.length)));
    options.socket.on("message", (data) => {
      options.call.heard();
      try {
        this.#receive(data instanceof Buffer ? data : Buffer.alloc(0));
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        this.#opening.reject(error);
        options.call.abort(error);
      }
    });
    options.call.signal.addEventListener("abort", () => this.#opening.reject(options.call.signal.reason));
  }

  async run(): Promise<ExecExit> {
    const { worker, call, sandbox } = this.#options;
    const { request, hasStdin, hasResizes } = await this.#opening.promise;
    return await worker.execInSandbox(
      { ...request, sandbox },
      {
        stdin: hasStdin ? this.#stdin : null,
        stdout: (chunk) => this.#print(execChannel.stdout, chunk),
        stderr: (chunk) => this.#print(execChannel.stderr, chunk),
        resizes: hasResizes ? this.#resizes : null,
      },
      call.signal,
    );
  }

  send(channel: ExecChannel, payload?: Uint8Array): void {
    const { socket } = this.#options;
    if (socket.readyState === socket.OPEN) socket.send(encodeFrame(channel, payload));
  }

  /** Nobody listens any more. */
  close(): void {
    const gone = clientVanished();
    this.#output.close(gone);
    this.#stdin.end(gone);
    this.#resizes.end();
  }

  #receive(data: Buffer): void {
    const { channel, payload } = decodeFrame(data);
    switch (channel) {
      case execChannel.opening:
        this.#opening.resolve(parseJson(payload.toString("utf8"), execOpeningSchema));
        return;
      case execChannel.stdin:
        this.#stdin.push(payload);
        return;
      case execChannel.stdinEnd:
        this.#stdin.end();
        return;
      case execChannel.resize:
        this.#resizes.push(decodeSize(payload));
        return;
      case execChannel.credit:
        this.#output.grant(decodeNumber(payload));
        return;
      case execChannel.cancel:
        this.#options.call.abort(cancelledByClient());
        return;
      default:
        throw malformedFrame(`channel ${channel} is unknown`);
    }
  }

  async #print(channel: ExecChannel, chunk: Uint8Array): Promise<void> {
    for (const piece of pieces(chunk)) {
      await this.#output.take(piece.length);
      this.send(channel, piece);
    }
  }
}
