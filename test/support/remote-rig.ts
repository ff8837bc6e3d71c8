import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadHasher } from "../../src/graph/keys/hash.ts";
import type { ServerActivity } from "../../src/worker/remote/calls.ts";
import { type ConnectOptions, connectWorker } from "../../src/worker/remote/connect-worker.ts";
import type { RemoteWorker } from "../../src/worker/remote/remote-worker.ts";
import {
  startWorkerServer,
  type WorkerServer,
  type WorkerServerOptions,
} from "../../src/worker/remote/server.ts";
import type { Worker } from "../../src/worker/worker.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

export const remoteToken = "a-token-for-tests";

/** A worker behind a server on the loopback, and a client of it. */
export interface RemoteRig extends AsyncDisposable {
  readonly server: WorkerServer;
  readonly remote: RemoteWorker;
  readonly spoolFolder: string;
  /** What the server told of its activity, in order. */
  readonly activity: ServerActivity[];
  readonly internalErrors: unknown[];
}

export interface RemoteRigOptions {
  readonly server?: Partial<WorkerServerOptions>;
  readonly client?: Partial<ConnectOptions>;
}

export async function startRemoteRig(worker: Worker, options: RemoteRigOptions = {}): Promise<RemoteRig> {
  await using undo = new AsyncDisposableStack();
  const served = undo.use(await serve(worker, options.server));
  const remote = undo.use(await connectTo(served.server.url, options.client));
  const parts = undo.move();
  return { ...served, remote, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

/** Whose client has a cable to the server that can be looked at and cut. */
export interface ProxiedRig extends RemoteRig {
  readonly proxy: TcpProxy;
}

export async function startProxiedRig(worker: Worker, options: RemoteRigOptions = {}): Promise<ProxiedRig> {
  await using undo = new AsyncDisposableStack();
  const served = undo.use(await serve(worker, options.server));
  const proxy = undo.use(await startTcpProxy(served.server.port));
  const remote = undo.use(await connectTo(proxy.url, options.client));
  const parts = undo.move();
  return { ...served, proxy, remote, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

async function serve(
  worker: Worker,
  options: Partial<WorkerServerOptions> = {},
): Promise<Omit<RemoteRig, "remote">> {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "lightbox-remote-"));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const spoolFolder = join(folder, "spool");
  const hasher = await loadHasher();
  const activity: ServerActivity[] = [];
  const internalErrors: unknown[] = [];
  const server = await startWorkerServer({
    worker,
    host: "127.0.0.1",
    port: 0,
    token: remoteToken,
    version: "1.2.3",
    spoolFolder,
    createHasher: () => hasher.start(),
    onActivity: (now) => activity.push(now),
    onInternalError: (error) => internalErrors.push(error),
    ...options,
  });
  undo.defer(() => server.close());
  const parts = undo.move();
  const dispose = (): Promise<void> => parts.disposeAsync();
  return { server, spoolFolder, activity, internalErrors, [Symbol.asyncDispose]: dispose };
}

async function connectTo(url: string, options: Partial<ConnectOptions> = {}): Promise<RemoteWorker> {
  const { signal } = new AbortController();
  return await connectWorker({ url, token: remoteToken, version: "1.2.3", signal, ...options });
}
