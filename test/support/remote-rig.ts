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
    ...options.server,
  });
  undo.defer(() => server.close());
  const remote = await connectWorker({
    url: server.url,
    token: remoteToken,
    version: "1.2.3",
    signal: new AbortController().signal,
    ...options.client,
  });
  undo.use(remote);
  const parts = undo.move();
  const dispose = (): Promise<void> => parts.disposeAsync();
  return { server, remote, spoolFolder, activity, internalErrors, [Symbol.asyncDispose]: dispose };
}
