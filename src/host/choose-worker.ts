import type { LayerLookup } from "../bake/layer-lookup.ts";
import { dropStaleIndex } from "../bake/worker-index.ts";
import { Failure } from "../diagnostics/failure.ts";
import type { Worker } from "../worker/worker.ts";
import type { HostContext, WorkerOptions } from "./host-context.ts";
import { decideVirtualization } from "./virtualization.ts";

/** The worker that a command uses, known by name before it is opened: most bakes never open one. */
export interface WorkerChoice {
  /** Tells its index apart from other workers'. */
  readonly name: string;
  /** False for a worker that may have another platform than this host. */
  readonly isOnThisHost: boolean;
  readonly localLayers: LayerLookup | null;
  open(): Promise<Worker>;
}

/** `--host` or LIGHTBOX_HOST, else this host where it can run microVMs, else the machine. */
export async function chooseWorker(options: WorkerOptions, context: HostContext): Promise<WorkerChoice> {
  const host = options.host ?? context.environment.LIGHTBOX_HOST;
  if (host) return remoteChoice(host, context);
  const virtualization = await decideVirtualization(context);
  return virtualization === "native" ? await localChoice(context) : machineChoice(context);
}

/** Opens the chosen worker, hands it to `use` and closes it, whatever happens. */
export async function withWorker<Result>(
  options: WorkerOptions,
  context: HostContext,
  use: (worker: Worker) => Promise<Result>,
): Promise<Result> {
  const choice = await chooseWorker(options, context);
  await using worker = await choice.open();
  await forgetWhatIsGone(worker, choice, context);
  const result = await use(worker);
  await forgetWhatIsGone(worker, choice, context);
  return result;
}

/** What the command, or anybody else, has removed must not be believed to be there by the next bake. */
async function forgetWhatIsGone(worker: Worker, choice: WorkerChoice, context: HostContext): Promise<void> {
  const { directory } = context.home;
  const description = await worker.describe(context.signal);
  await dropStaleIndex({ homeDirectory: directory, workerName: choice.name, worker: description });
}

async function localChoice(context: HostContext): Promise<WorkerChoice> {
  const { localLayerLookup } = await import("./local-layer-lookup.ts");
  return {
    name: "local",
    isOnThisHost: true,
    localLayers: localLayerLookup(context.home.store),
    open: async () => {
      const { openLocalWorker } = await import("../worker/local/local-worker.ts");
      return await openLocalWorker({ storeDirectory: context.home.store, version: context.version });
    },
  };
}

function machineChoice(context: HostContext): WorkerChoice {
  return {
    name: "machine",
    isOnThisHost: true,
    localLayers: null,
    open: async () => {
      const { openMachineWorker } = await import("./open-machine-worker.ts");
      return await openMachineWorker(context);
    },
  };
}

function remoteChoice(host: string, context: HostContext): WorkerChoice {
  const url = parseHost(host);
  const token = context.environment.LIGHTBOX_TOKEN;
  if (!token) {
    throw new Failure({
      code: "WorkerTokenMissing",
      category: "environment",
      message: `no token for the worker at ${url.href}`,
      hint: "set LIGHTBOX_TOKEN to the token of `lightbox serve`; it says at its start which file holds it",
    });
  }
  return {
    name: url.host,
    isOnThisHost: false,
    localLayers: null,
    open: async () => {
      const { connectWorker } = await import("../worker/remote/connect-worker.ts");
      return await connectWorker({ url: url.href, token, version: context.version, signal: context.signal });
    },
  };
}

function parseHost(host: string): URL {
  const text = host.includes("://") ? host : `http://${host}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && (url.protocol === "http:" || url.protocol === "https:")) return url;
  throw new Failure({
    code: "InvalidWorkerAddress",
    category: "usage",
    message: `${host} is not the address of a worker`,
    hint: "write http://ADDRESS:PORT or https://ADDRESS:PORT",
  });
}
