import type { WebSocket } from "ws";
import { AgentChannel } from "../agents/agent-channel.ts";
import { brokenStream } from "../agents/broken-stream.ts";
import type { SshAgents } from "../worker.ts";
import { type Call, clientVanished } from "./calls.ts";

export interface AgentLinkSession {
  readonly socket: WebSocket;
  readonly lease: string;
  readonly call: Call;
  readonly beatIntervalMs: number;
}

/** Connections on which clients lend their ssh agents, each by the lease of the lineage that it is for. */
export class AgentLinks {
  readonly #channels = new Map<string, AgentChannel>();

  /** Resolves when the connection has ended. Never rejects. */
  async serve({ socket, lease, call, beatIntervalMs }: AgentLinkSession): Promise<void> {
    const closed = Promise.withResolvers<void>();
    const channel = new AgentChannel({
      send: (frame) => {
        if (socket.readyState === socket.OPEN) socket.send(frame);
      },
      connect: null,
    });
    const isFirst = !this.#channels.has(lease);
    if (isFirst) this.#channels.set(lease, channel);
    const beat = setInterval(() => socket.ping(), beatIntervalMs);
    socket.on("close", closed.resolve);
    // `close` follows, and says all that matters here.
    socket.on("error", () => call.abort(clientVanished()));
    socket.on("ping", () => call.heard());
    socket.on("pong", () => call.heard());
    socket.on("message", (data) => {
      call.heard();
      if (!(data instanceof Buffer) || !channel.receive(data)) socket.terminate();
    });
    const onAbort = () => socket.terminate();
    call.signal.addEventListener("abort", onAbort, { once: true });
    if (call.signal.aborted || !isFirst) socket.terminate();
    await closed.promise;
    clearInterval(beat);
    channel.close();
    if (isFirst) this.#channels.delete(lease);
  }

  /** The agents that a client has said it lends to a lineage; without its connection each of them breaks off. */
  agentsOf(lease: string, ids: readonly string[]): SshAgents {
    return {
      ids: new Set(ids),
      connect: (id) => this.#channels.get(lease)?.open(id) ?? brokenStream(),
    };
  }
}
