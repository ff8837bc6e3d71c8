import { Failure } from "../../diagnostics/failure.ts";
import { Connection } from "./connection.ts";
import type { ConnectionOptions } from "./http-client.ts";
import { describeWorker, RemoteWorker } from "./remote-worker.ts";

export interface ConnectOptions extends Omit<ConnectionOptions, "url"> {
  /** `http://HOST:PORT` or `https://…` */
  readonly url: string;
  readonly signal: AbortSignal;
}

/**
 * Connects to a worker server and makes sure that both speak the same protocol.
 * @throws Failure `InvalidWorkerAddress`, `WorkerUnreachable`, `WorkerRefusedToken`, `WorkerVersionMismatch`
 */
export async function connectWorker({ url, signal, ...options }: ConnectOptions): Promise<RemoteWorker> {
  const connection = new Connection({ ...options, url: parseWorkerUrl(url) });
  try {
    return new RemoteWorker(connection, await describeWorker(connection, signal));
  } catch (error) {
    connection.close();
    throw error;
  }
}

function parseWorkerUrl(text: string): URL {
  const url = URL.parse(text);
  if (url !== null && (url.protocol === "http:" || url.protocol === "https:")) return url;
  throw new Failure({
    code: "InvalidWorkerAddress",
    category: "usage",
    message: `${JSON.stringify(text)} is not the address of a worker`,
    hint: "write it as http://HOST:PORT or https://HOST:PORT",
  });
}
