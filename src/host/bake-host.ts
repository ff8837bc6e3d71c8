import type { BakeCollaborators } from "../bake/bake-request.ts";
import { WorkerIndex } from "../bake/worker-index.ts";
import type { Worker } from "../worker/worker.ts";
import type { WorkerChoice } from "./choose-worker.ts";
import { createImageSource } from "./client-images.ts";
import { guestPlatform } from "./guest-platform.ts";
import type { HostContext } from "./host-context.ts";
import { ReopenableWorker } from "./reopenable-worker.ts";
import { SourcesInUse } from "./sources-in-use.ts";

export interface BakeHostOptions {
  /** Absolute; where relative paths of base images start. */
  readonly contextDirectory: string;
  /** Whether a worker elsewhere is asked for its platform when that is not remembered. */
  readonly mayAskWorker: boolean;
}

/** What this host and its worker give to a bake; closes the worker, if it was opened. */
export interface BakeHost extends AsyncDisposable {
  /** Of the worker, e.g. `linux/amd64`. */
  readonly platform: string;
  readonly collaborators: Omit<BakeCollaborators, "onEvent">;
  /** The worker of this bake, opened when it is not open yet. */
  openWorker(): Promise<Worker>;
}

/** @throws Failure what asking the worker may throw */
export async function openBakeHost(
  choice: WorkerChoice,
  { home, signal }: HostContext,
  { contextDirectory, mayAskWorker }: BakeHostOptions,
): Promise<BakeHost> {
  const sources = new SourcesInUse(home.directory, Date.now);
  const worker = new ReopenableWorker(() => choice.open());
  const close = async (): Promise<void> => {
    await worker[Symbol.asyncDispose]();
    await sources[Symbol.asyncDispose]();
  };
  const askPlatform = async (): Promise<string> => {
    try {
      return (await (await worker.get()).describe(signal)).platform;
    } catch (error) {
      await close();
      throw error;
    }
  };
  const remembered = await rememberedPlatform(choice, home.directory);
  return {
    platform: remembered ?? (mayAskWorker ? await askPlatform() : guestPlatform()),
    collaborators: {
      homeDirectory: home.directory,
      workerName: choice.name,
      openWorker: () => worker.get(),
      reopenWorker: () => worker.reopen(),
      images: createImageSource(home, contextDirectory),
      beforeSource: () => sources.announce(),
      async beforeDownload() {
        const { useEnvironmentProxies } = await import("../images/environment-proxies.ts");
        useEnvironmentProxies();
      },
      localLayers: choice.localLayers,
      now: Date.now,
    },
    openWorker: () => worker.get(),
    [Symbol.asyncDispose]: close,
  };
}

/** This host's, or what a worker elsewhere said when it was last asked; null when it never was. */
async function rememberedPlatform(choice: WorkerChoice, home: string): Promise<string | null> {
  if (choice.isOnThisHost) return guestPlatform();
  return (await WorkerIndex.load(home, choice.name)).platform;
}
