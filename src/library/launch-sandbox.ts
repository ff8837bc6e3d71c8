import { resolve } from "node:path";
import { defaultNameOf } from "../sandboxes/default-name.ts";
import { launchWithExposedPorts } from "../sandboxes/exposed-ports.ts";
import { findSandbox } from "../sandboxes/find-sandbox.ts";
import type { LaunchRequest, Mount, PortMapping, Resources, SandboxDescription } from "../worker/worker.ts";
import { type HostOptions, tell, useWorker } from "./host.ts";
import { Sandbox } from "./sandbox.ts";
import type { Memory, SnapshotResources } from "./snapshot-config.ts";

/** A folder of the worker's host, by its path, or a volume, which is made when it is first named. */
export type MountOption =
  | string
  | { readonly folder: string; readonly readOnly?: boolean }
  | { readonly volume: string; readonly readOnly?: boolean };

export interface LaunchOptions extends HostOptions {
  /** Name of the snapshot, or `NAME@previous`. */
  readonly snapshot: string;
  /** Absent: the snapshot's and some random letters. */
  readonly name?: string;
  /** Instead of the snapshot's RESOURCES. */
  readonly resources?: SnapshotResources;
  /** Instead of the snapshot's WORKDIR; must exist there. */
  readonly workdir?: string;
  /** Besides the snapshot's ENV. */
  readonly env?: Readonly<Record<string, string>>;
  /** Instead of the snapshot's USER. */
  readonly user?: string;
  /** `{ host: guest }`, TCP at 127.0.0.1. */
  readonly ports?: Readonly<Record<number, number>>;
  /** Publish every port that the snapshot EXPOSEs, each at a free port of 127.0.0.1: see {@link Sandbox.ports}. */
  readonly publishExposed?: boolean;
  /** By the path in the guest. */
  readonly mounts?: Readonly<Record<string, MountOption>>;
  readonly network?: "default" | "none";
  /** Replace a sandbox of this name; default true. */
  readonly overwrite?: boolean;
  /** End and remove the sandbox after this long without use. */
  readonly idleTimeoutSeconds?: number;
}

/**
 * Boots a sandbox from a snapshot. It belongs to this process; see {@link Sandbox}.
 *
 * @throws Failure `UnknownSnapshot`, `SandboxExists`, `PortInUse`, `FolderNotShared` and others of docs/errors.md
 */
export async function launchSandbox(options: LaunchOptions): Promise<Sandbox> {
  const request = toRequest(options);
  if (options.verbose) tell(`launching ${request.name} from ${options.snapshot}`);
  const description = await useWorker(
    options,
    async (worker, signal): Promise<SandboxDescription> =>
      options.publishExposed
        ? await launchWithExposedPorts(worker, request, signal)
        : await worker.launchSandbox(request, signal),
  );
  return new Sandbox(description, options, "owned");
}

/** Launches a sandbox, hands it to `use` and stops it, whatever happens; resolves with what `use` returned. */
export async function runInSandbox<Result>(
  options: LaunchOptions,
  use: (sandbox: Sandbox) => Result | Promise<Result>,
): Promise<Result> {
  await using sandbox = await launchSandbox(options);
  return await use(sandbox);
}

/**
 * A sandbox that is there already, such as one that another process launched and detached.
 * @throws Failure `UnknownSandbox`, with near names
 */
export async function connectToSandbox(name: string, options: HostOptions = {}): Promise<Sandbox> {
  const description = await useWorker(options, (worker, signal) => findSandbox(worker, name, signal));
  return new Sandbox(description, options, "detached");
}

/** All sandboxes of the worker, whoever launched them. */
export async function listSandboxes(options: HostOptions = {}): Promise<readonly SandboxDescription[]> {
  return await useWorker(options, (worker, signal) => worker.listSandboxes(signal));
}

/** @throws Failure `UnknownSandbox`; `SandboxRunning` unless `force` */
export async function removeSandbox(
  name: string,
  { force = false, ...options }: HostOptions & { readonly force?: boolean } = {},
): Promise<void> {
  await useWorker(options, (worker, signal) => worker.removeSandbox(name, { force }, signal));
}

function toRequest(options: LaunchOptions) {
  const { snapshot, ports = {}, mounts = {} } = options;
  return {
    name: options.name ?? defaultNameOf(snapshot),
    from: { kind: "snapshot", name: snapshot } as const,
    resources: toResources(options.resources),
    environment: options.env ?? {},
    workingDirectory: options.workdir ?? null,
    user: options.user ?? null,
    ports: Object.entries(ports).map(toPort),
    mounts: Object.entries(mounts).map(([guestPath, mount]) => toMount(guestPath, mount)),
    replace: options.overwrite ?? true,
    network: options.network ?? "default",
    idleTimeoutSeconds: options.idleTimeoutSeconds ?? null,
  } satisfies LaunchRequest;
}

/** In the worker's units. */
export function toResources({ cpus, memory }: SnapshotResources = {}): Partial<Resources> {
  return {
    ...(cpus === undefined ? {} : { cpus }),
    ...(memory === undefined ? {} : { memoryMib: toMib(memory) }),
  };
}

function toMib(memory: Memory): number {
  const amount = Number.parseInt(memory, 10);
  return memory.endsWith("G") ? amount * 1024 : amount;
}

function toPort([hostPort, guestPort]: readonly [string, number]): PortMapping {
  return { hostAddress: "127.0.0.1", hostPort: Number(hostPort), guestPort, protocol: "tcp" };
}

function toMount(guestPath: string, mount: MountOption): Mount {
  if (typeof mount === "string")
    return { kind: "bind", guestPath, hostPath: resolve(mount), readOnly: false };
  const { readOnly = false } = mount;
  return "volume" in mount
    ? { kind: "volume", guestPath, volume: mount.volume, readOnly }
    : { kind: "bind", guestPath, hostPath: resolve(mount.folder), readOnly };
}
