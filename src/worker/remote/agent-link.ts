import { randomUUID } from "node:crypto";
import { WebSocket } from "ws";
import { AgentChannel } from "../agents/agent-channel.ts";
import { brokenStream } from "../agents/broken-stream.ts";
import type { SshAgents } from "../worker.ts";
import type { Connection } from "./connection.ts";
import { cancelledBy } from "./connection-failures.ts";
import { beatIntervalMs, callHeader, silenceLimitMs } from "./protocol.ts";
import { watchSilence } from "./silence-watch.ts";
import { openSocket, untilOpen } from "./worker-socket.ts";

export interface AgentLinkOptions {
  /** Of the lineage that they are for. */
  readonly lease: string;
  readonly agents: SshAgents;
}

/**
 * A connection on which the worker reaches agents of this client, until it is disposed. When it is lost, what goes on over
 * it ends, and the worker reaches no agent any more.
 * @throws Failure `WorkerUnreachable` and the like, or of category `cancelled`
 */
export async function lendAgents(
  connection: Connection,
  { lease, agents }: AgentLinkOptions,
  signal: AbortSignal,
): Promise<Disposable> {
  if (signal.aborted) throw cancelledBy(signal);
  const { options } = connection;
  const socket = openSocket(connection, `/lineages/${encodeURIComponent(lease)}/agents`, {
    [callHeader]: randomUUID(),
  });
  const channel = new AgentChannel({
    send: (frame) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(frame);
    },
    connect: (id) => (agents.ids.has(id) ? agents.connect(id) : brokenStream()),
  });
  const watch = watchSilence(options.silenceLimitMs ?? silenceLimitMs, () => socket.terminate());
  const beat = setInterval(() => {
    if (socket.readyState === WebSocket.OPEN) socket.ping();
  }, options.beatIntervalMs ?? beatIntervalMs);
  beat.unref();
  const end = () => {
    watch.stop();
    clearInterval(beat);
    channel.close();
    socket.terminate();
  };
  socket.on("ping", watch.heard);
  socket.on("pong", watch.heard);
  socket.on("message", (data) => {
    watch.heard();
    if (!(data instanceof Buffer) || !channel.receive(data)) socket.terminate();
  });
  socket.on("close", end);
  signal.addEventListener("abort", end, { once: true });
  try {
    await untilOpen(connection, socket);
  } catch (error) {
    end();
    throw signal.aborted ? cancelledBy(signal) : error;
  } finally {
    // A lineage that is being cancelled keeps it to its end.
    signal.removeEventListener("abort", end);
  }
  return { [Symbol.dispose]: end };
}
