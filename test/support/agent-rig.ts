import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";

/** Something that listens on a socket as an ssh agent does, and whose answers are told beforehand. */
export interface TestAgent extends AsyncDisposable {
  readonly path: string;
  /** Connections so far, and those that are open. */
  readonly counts: { accepted: number; open: number };
  connect(): Socket;
  /** As an agent that ends: it closes all connections, and takes no more. */
  stop(): Promise<void>;
}

export interface TestAgentOptions {
  readonly name?: string;
  /** What it does with a connection; default: it gives back what it gets. */
  serve?(connection: Socket): void;
}

export async function startTestAgent(folder: string, options: TestAgentOptions = {}): Promise<TestAgent> {
  const path = join(folder, options.name ?? "agent");
  const counts = { accepted: 0, open: 0 };
  const open = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (connection) => {
    counts.accepted += 1;
    counts.open += 1;
    open.add(connection);
    connection.on("error", () => connection.destroy());
    connection.on("close", () => {
      counts.open -= 1;
      open.delete(connection);
    });
    if (options.serve === undefined) connection.pipe(connection);
    else options.serve(connection);
  });
  server.listen(path);
  await once(server, "listening");
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    for (const connection of open) connection.destroy();
    await closed;
  };
  return { path, counts, connect: () => connect(path), stop, [Symbol.asyncDispose]: stop };
}

/** Sends it all, ends, and reads to the end what comes back. */
export async function exchange(stream: Duplex, request: Uint8Array | string): Promise<Buffer> {
  const answer = buffer(stream);
  stream.end(request);
  return answer;
}
