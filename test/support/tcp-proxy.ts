import { connect, createServer, type Socket } from "node:net";

/** A network cable between a client and a server, for tests to look at and to cut. */
export interface TcpProxy extends AsyncDisposable {
  readonly url: string;
  /** Connections that were ever opened. */
  readonly connections: number;
  /** Resolves when what clients have sent contains the text so many times. */
  untilSent(text: string, times: number): Promise<void>;
  /** Closes every connection and refuses new ones, as when the server's process dies. */
  cut(): void;
  /** Nothing passes any more, and nobody is told, as when a host loses its power. */
  freeze(): void;
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const watches: { readonly text: string; times: number; readonly met: () => void }[] = [];
  let connections = 0;
  let isFrozen = false;
  const server = createServer((client) => {
    connections += 1;
    const target = connect(targetPort, "127.0.0.1");
    for (const [from, to] of [
      [client, target],
      [target, client],
    ] as const) {
      sockets.add(from);
      from.on("data", (chunk: Buffer) => {
        if (isFrozen) return;
        if (from === client) see(chunk.toString("latin1"));
        if (!to.write(chunk)) {
          from.pause();
          to.once("drain", () => from.resume());
        }
      });
      from.on("close", () => {
        sockets.delete(from);
        if (!isFrozen) to.destroy();
      });
      // A reset is one of the ways in which a connection ends here; `close` follows.
      from.on("error", () => from.destroy());
    }
  });
  const see = (text: string) => {
    for (const watch of watches) {
      watch.times -= text.split(watch.text).length - 1;
      if (watch.times <= 0) watch.met();
    }
  };
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${address.port}`,
    get connections() {
      return connections;
    },
    untilSent: (text, times) => {
      const met = Promise.withResolvers<void>();
      watches.push({ text, times, met: met.resolve });
      return met.promise;
    },
    cut: close,
    freeze: () => {
      isFrozen = true;
    },
    [Symbol.asyncDispose]: async () => close(),
  };
}
