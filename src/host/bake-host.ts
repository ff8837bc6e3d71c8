import type { BakeCollaborators } from "../bake/bake-request.ts";
import { WorkerIndex } from "../bake/worker-index.ts";
import type { Worker } from "../worker/worker.ts";
import type { WorkerChoice } from "./choose-worker.ts";
import { createImageSource } from "./client-images.ts";
import { guestPlatform } from "./guest-platform.ts";
import type { HostContext } from "./host-context.ts";
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
  let opened: Promise<Worker> | undefined;
  const openWorker = (): Promise<Worker> => {
    opened ??= choice.open();
    return opened;
  };
  const reopenWorker = async (): Promise<Worker> => {
    await closeWorker();
    opened = choice.open();
    return await opened;
  };
  const closeWorker = async (): Promise<void> => {
    // A worker that could not be opened has told so already, and has nothing to close.
    const worker = await opened?.catch(() => undefined);
    opened = undefined;
    await worker?.[Symbol.asyncDispose]();
  };
  const close = async (): Promise<void> => {
    await closeWorker();
    await sources[Symbol.asyncDispose]();
  };
  const askPlatform = async (): Promise<string> => {
    try {
      return (await (await openWorker()).describe(signal)).platform;
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
      openWorker,
      reopenWorker,
      images: createImageSource(home, contextDirectory),
      beforeSource: () => sources.announce(),
      async beforeDownload() {
        const { useEnvironmentProxies } = await import("../images/environment-proxies.ts");
        useEnvironmentProxies();
      },
      localLayers: choice.localLayers,
      now: Date.now,
    },
    openWorker,
    [Symbol.asyncDispose]: close,
  };
}

/** This host's, or what a worker elsewhere said when it was last asked; null when it never was. */
async function rememberedPlatform(choice: WorkerChoice, home: string): Promise<string | null> {
  if (choice.isOnThisHost) return guestPlatform();
  return (await WorkerIndex.load(home, choice.name)).platform;
}
