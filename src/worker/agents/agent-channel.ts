import { Buffer } from "node:buffer";
import { type Duplex, duplexPair } from "node:stream";
import {
  type AgentFrame,
  AgentFrameReader,
  agentConnectionLimit,
  agentFrame,
  encodeAgentFrame,
} from "./agent-frames.ts";
import { brokenStream } from "./broken-stream.ts";
import { CarriedConnection } from "./carried-connection.ts";

export interface AgentChannelOptions {
  /** Takes a frame on its way to the other side. What waits there is bounded by the windows of the connections. */
  send(frame: Buffer): void;
  /** Connects to the agent that the other side means; null: the other side opens no connections. */
  readonly connect: ((name: string) => Duplex) | null;
  onListening?(): void;
}

/**
 * Many connections to agents over one pair of streams. What it keeps in memory is bounded, whatever the other side does:
 * by the number of connections and the window of each.
 */
export class AgentChannel {
  readonly #options: AgentChannelOptions;
  readonly #reader = new AgentFrameReader();
  readonly #connections = new Map<number, CarriedConnection>();
  #lastId = 0;
  #isClosed = false;

  constructor(options: AgentChannelOptions) {
    this.#options = options;
  }

  /** False when the other side does not keep to the rules; the channel is closed then. */
  receive(chunk: Uint8Array): boolean {
    if (this.#isClosed) return true;
    const frames = this.#reader.read(chunk);
    const isFine = frames?.every((frame) => this.#take(frame)) ?? false;
    if (!isFine) this.close();
    return isFine;
  }

  /** A connection to the agent of that name on the other side. When there is none to be had, the stream breaks off. */
  open(name: string): Duplex {
    if (this.#isClosed || this.#connections.size >= agentConnectionLimit) return brokenStream();
    const [inner, outer] = duplexPair();
    inner.on("close", () => outer.destroy());
    outer.on("close", () => inner.destroy());
    this.#lastId += 1;
    this.#send(encodeAgentFrame(this.#lastId, agentFrame.open, Buffer.from(name)));
    this.#carry(this.#lastId, inner);
    return outer;
  }

  /** Ends all connections. */
  close(): void {
    this.#isClosed = true;
    for (const connection of this.#connections.values()) connection.destroy();
  }

  #send(frame: Buffer): void {
    if (!this.#isClosed) this.#options.send(frame);
  }

  #take({ connection: id, kind, payload }: AgentFrame): boolean {
    if (kind === agentFrame.open) return this.#accept(id, payload.toString());
    if (kind === agentFrame.listening) {
      this.#options.onListening?.();
      return true;
    }
    const connection = this.#connections.get(id);
    // It was on its way when the connection was closed here.
    if (connection === undefined) return true;
    switch (kind) {
      case agentFrame.data:
        return connection.write(payload);
      case agentFrame.end:
        connection.end();
        return true;
      case agentFrame.close:
        connection.close();
        return true;
      case agentFrame.credit:
        if (payload.length !== 4) return false;
        connection.grant(payload.readUInt32LE());
        return true;
      default:
        return false;
    }
  }

  #accept(id: number, name: string): boolean {
    const { connect } = this.#options;
    if (connect === null || id <= this.#lastId) return false;
    this.#lastId = id;
    if (this.#connections.size < agentConnectionLimit)
      this.#carry(
        id,
        streamOf(() => connect(name)),
      );
    else this.#send(encodeAgentFrame(id, agentFrame.close));
    return true;
  }

  #carry(id: number, stream: Duplex): void {
    const connection = new CarriedConnection({
      stream,
      send: (kind, payload) => this.#send(encodeAgentFrame(id, kind, payload)),
      onGone: () => void this.#connections.delete(id),
    });
    this.#connections.set(id, connection);
  }
}

/** A client's way to an agent may fail at once, too; whatever it is, it is no trouble of the step. */
function streamOf(connect: () => Duplex): Duplex {
  try {
    return connect();
  } catch {
    return brokenStream();
  }
}
