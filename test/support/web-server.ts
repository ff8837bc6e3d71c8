import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A web server on loopback that answers by path, and notes what it was asked. */
export class WebServer implements AsyncDisposable {
  readonly asked: string[] = [];
  readonly #answers = new Map<string, Answer>();
  readonly #server = createServer((request, response) => {
    const path = request.url ?? "";
    this.asked.push(path);
    const answer = this.#answers.get(path);
    if (answer === undefined) response.writeHead(404).end();
    else answer(request, response);
  });
  #port = 0;

  static async start(): Promise<WebServer> {
    const server = new WebServer();
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    const address = server.#server.address();
    if (address === null || typeof address === "string") throw new Error("the server has no port");
    server.#port = address.port;
    return server;
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.#port}${path}`;
  }

  on(path: string, answer: Answer | string): void {
    this.#answers.set(
      path,
      typeof answer === "string" ? (_request, response) => void response.end(answer) : answer,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
