import type { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import { SendWindow } from "../flow.ts";
import {
  type AgentFrameKind,
  agentFrame,
  agentPieceBytes,
  agentWindowBytes,
  encodeCredit,
} from "./agent-frames.ts";

export interface CarriedConnectionOptions {
  readonly stream: Duplex;
  send(kind: AgentFrameKind, payload?: Uint8Array): void;
  /** Called once, when nothing of it is left on this side. */
  onGone(): void;
}

/** One connection of a channel on this side: what its stream gives is sent, and what comes is written to the stream. */
export class CarriedConnection {
  readonly #stream: Duplex;
  readonly #send: CarriedConnectionOptions["send"];
  readonly #window = new SendWindow(agentWindowBytes);
  /** Bytes that the other side may not send again yet: those that the stream has not taken, and those not told of. */
  #outstandingBytes = 0;
  #untoldBytes = 0;
  #hasHeardEnd = false;
  #hasSaidEnd = false;
  /** The other side has closed it, or this one has said so. */
  #isClosed = false;

  constructor({ stream, send, onGone }: CarriedConnectionOptions) {
    this.#stream = stream;
    this.#send = send;
    // `close` follows, and says all that matters here.
    stream.on("error", () => this.#window.close(gone));
    const carried = this.#carryOut();
    const onClose = async () => {
      // What it gave before its end is still sent.
      if (!stream.readableEnded) this.#window.close(gone);
      await carried;
      this.#sayClosed();
      onGone();
    };
    if (stream.closed) void onClose();
    else stream.once("close", onClose);
  }

  /** False when it is more than the window allows. */
  write(data: Buffer): boolean {
    this.#outstandingBytes += data.length;
    if (this.#hasHeardEnd || this.#outstandingBytes > agentWindowBytes + agentPieceBytes) return false;
    this.#stream.write(data, (error) => {
      if (error === null || error === undefined) this.#taken(data.length);
    });
    return true;
  }

  grant(sizeBytes: number): void {
    this.#window.grant(sizeBytes);
  }

  /** The other side sends no more. */
  end(): void {
    this.#hasHeardEnd = true;
    this.#stream.end();
  }

  /** The other side is gone; what it sent before is still delivered. */
  close(): void {
    this.#isClosed = true;
    this.#window.close(gone);
    this.#stream.end(() => this.#stream.destroy());
  }

  destroy(): void {
    this.#isClosed = true;
    this.#window.close(gone);
    this.#stream.destroy();
  }

  #taken(sizeBytes: number): void {
    this.#untoldBytes += sizeBytes;
    if (this.#untoldBytes < agentWindowBytes / 2 || this.#isClosed) return;
    this.#outstandingBytes -= this.#untoldBytes;
    this.#send(agentFrame.credit, encodeCredit(this.#untoldBytes));
    this.#untoldBytes = 0;
  }

  async #carryOut(): Promise<void> {
    try {
      // Not destroyed at its end: data may still have to be written to it.
      for await (const chunk of this.#stream.iterator({ destroyOnReturn: false })) {
        if (!(await this.#sendAll(chunk))) return;
      }
    } catch {
      // Whatever it was, the other side is told where the stream closes.
      if (!this.#isClosed) this.#stream.destroy();
      return;
    }
    if (this.#isClosed) return;
    this.#hasSaidEnd = true;
    this.#send(agentFrame.end);
  }

  /** False when nobody listens any more. */
  async #sendAll(chunk: Uint8Array): Promise<boolean> {
    for (let at = 0; at < chunk.length; at += agentPieceBytes) {
      const piece = chunk.subarray(at, at + agentPieceBytes);
      await this.#window.take(piece.length);
      if (this.#isClosed) return false;
      this.#send(agentFrame.data, piece);
    }
    return true;
  }

  #sayClosed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#hasHeardEnd || !this.#hasSaidEnd) this.#send(agentFrame.close);
  }
}

const gone = new Error("the connection is gone");
