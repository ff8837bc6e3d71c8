import { rename } from "node:fs/promises";
import { join } from "node:path";
import { Failure } from "../../../diagnostics/failure.ts";
import { throwIfCancelled } from "../../../layers/cancellation.ts";
import type { LayerStore, WritableDisk } from "../../../layers/layer-store.ts";
import { emptyConfiguration, type SandboxConfiguration } from "../../../model/sandbox-configuration.ts";
import type { StepOperation } from "../../../model/step-operation.ts";
import type { LaunchRequest, Resources, SandboxDescription } from "../../worker.ts";
import { ensureDirectory } from "../guest/guest-directories.ts";
import { renewGuestIdentity } from "../guest/guest-identity.ts";
import { rootOwner } from "../guest/users.ts";
import type { SandboxReservation } from "../lineage/lineage-host.ts";
import { requireImage } from "../microvm/images.ts";
import { MicroVm, removeMicroVm } from "../microvm/micro-vm.ts";
import { type Microsandbox, microsandboxErrorCode } from "../microvm/microsandbox.ts";
import {
  applySandboxOptions,
  checkMounts,
  checkPortsFree,
  resolveMounts,
  volumesOf,
} from "./sandbox-options.ts";
import type { SandboxRecord, SandboxRecords } from "./sandbox-record.ts";

export interface SandboxHost {
  readonly microsandbox: Microsandbox;
  readonly store: LayerStore;
  readonly records: SandboxRecords;
  /** For a sandbox whose request names none. */
  readonly defaultResources: Resources;
}

interface LaunchSource {
  readonly image: string;
  readonly configuration: SandboxConfiguration;
  makeDisk(directory: string): Promise<WritableDisk>;
}

/** See `Worker.launchSandbox`. */
export async function launchSandbox(
  host: SandboxHost,
  request: LaunchRequest,
  signal: AbortSignal,
): Promise<SandboxDescription> {
  const { records, microsandbox } = host;
  throwIfCancelled(signal);
  const source = await launchSource(host, request);
  const image = await requireImage(microsandbox, source.image);
  await checkMounts(request.mounts);
  if (request.replace && (await records.folders()).includes(request.name)) {
    await discardSandbox(host, request.name);
  }
  await checkPortsFree(request.ports);
  const directory = await records.reserve(request.name);
  const runtimeName = records.runtimeName(request.name);
  try {
    const disk = await source.makeDisk(directory);
    const volumes = await holdVolumes(host, request.name, volumesOf(request.mounts));
    const mounts = resolveMounts(request.mounts, volumes);
    const resources = { ...host.defaultResources, ...request.resources };
    const vm = await MicroVm.boot(
      {
        microsandbox,
        name: runtimeName,
        image,
        diskPath: disk.path,
        ...resources,
        hostname: request.name,
        network: request.network,
        detached: true,
        configure: (builder) => applySandboxOptions(builder, request, mounts),
      },
      signal,
    );
    const configuration = configured(source.configuration, request);
    await renewGuestIdentity(vm);
    await ensureDirectory(vm.files, configuration.workingDirectory, { owner: rootOwner, mode: 0o755 });
    await vm.disconnect();
    const record = await records.write({
      name: request.name,
      runtimeName,
      snapshot: request.from.kind === "snapshot" ? request.from.name : null,
      createdAt: new Date().toISOString(),
      ports: request.ports,
      configuration,
      isEphemeral: request.idleTimeoutSeconds !== null,
    });
    return describeSandbox(record, "running");
  } catch (error) {
    await discardSandbox(host, request.name);
    throw error;
  }
}

/** The folders of volumes, by name, which are kept from now on as long as the sandbox is there. */
async function holdVolumes(
  { store, records }: SandboxHost,
  sandbox: string,
  volumes: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (volumes.length === 0) return new Map();
  return (await store.volumes.hold(volumes, await records.holdOwner(sandbox))).folders;
}

async function launchSource({ store }: SandboxHost, { from }: LaunchRequest): Promise<LaunchSource> {
  if (from.kind === "snapshot") {
    const { layer, image, diskSizeMib, configuration } = await store.getSnapshot(from.name);
    return {
      image: image.digest,
      configuration,
      makeDisk: (directory) => store.createWritable({ parent: layer, diskSizeMib, directory }),
    };
  }
  if (from.kind === "layer") {
    const { layer, image, diskSizeMib, configuration } = from;
    return {
      image: image.digest,
      configuration,
      makeDisk: (directory) => store.createWritable({ parent: layer, diskSizeMib, directory }),
    };
  }
  const record = await store.getDebug(from.layer);
  if (record === undefined) {
    throw new Failure({
      code: "NothingToDebug",
      category: "usage",
      message: `no failed step with the key ${from.layer} is kept`,
      hint: "it is kept until `lightbox prune`: bake again to get it anew",
    });
  }
  return {
    image: record.imageDigest,
    configuration: emptyConfiguration,
    makeDisk: (directory) => store.createWritableOverDebug({ debugKey: from.layer, directory }),
  };
}

function configured(configuration: SandboxConfiguration, request: LaunchRequest): SandboxConfiguration {
  return {
    ...configuration,
    environment: { ...configuration.environment, ...request.environment },
    workingDirectory: request.workingDirectory ?? configuration.workingDirectory,
    user: request.user ?? configuration.user,
  };
}

export async function listSandboxes(host: SandboxHost): Promise<readonly SandboxDescription[]> {
  const described = await Promise.all(
    (await host.records.list()).map(async (record) => {
      const status = await sandboxStatus(host.microsandbox, record);
      if (status !== null) return describeSandbox(record, status);
      await discardSandbox(host, record.name);
      return undefined;
    }),
  );
  return described.filter((description) => description !== undefined);
}

/** Null: it was to go away when it ended, and has. */
async function sandboxStatus(
  microsandbox: Microsandbox,
  record: SandboxRecord,
): Promise<SandboxDescription["status"] | null> {
  try {
    const { status } = await microsandbox.Sandbox.get(record.runtimeName);
    if (status === "crashed") return "crashed";
    const isUp =
      status === "running" || status === "starting" || status === "draining" || status === "paused";
    if (isUp) return "running";
    return record.isEphemeral ? null : "stopped";
  } catch (error) {
    if (microsandboxErrorCode(error) !== "sandboxNotFound") throw error;
    return record.isEphemeral ? null : "stopped";
  }
}

export async function stopSandbox(host: SandboxHost, name: string): Promise<void> {
  const record = await host.records.get(name);
  if ((await sandboxStatus(host.microsandbox, record)) !== "running") return;
  const handle = await host.microsandbox.Sandbox.get(record.runtimeName);
  await handle.stop();
}

/** @throws Failure `UnknownSandbox`, `SandboxRunning` */
export async function removeSandbox(host: SandboxHost, name: string, force: boolean): Promise<void> {
  const record = await host.records.get(name);
  if (!force && (await sandboxStatus(host.microsandbox, record)) === "running") {
    throw new Failure({
      code: "SandboxRunning",
      category: "usage",
      message: `sandbox ${name} is running`,
      hint: `stop it first (\`lightbox stop ${name}\`), or remove it with --force`,
    });
  }
  await discardSandbox(host, name);
}

/** @throws Failure `UnknownSandbox`, `SandboxNotRunning` */
export async function runningSandbox(host: SandboxHost, name: string): Promise<SandboxRecord> {
  const record = await host.records.get(name);
  if ((await sandboxStatus(host.microsandbox, record)) === "running") return record;
  throw new Failure({
    code: "SandboxNotRunning",
    category: "usage",
    message: `sandbox ${name} is not running`,
    hint: `remove it (\`lightbox rm ${name}\`) and launch it anew`,
  });
}

/** Its microVM first: the disk belongs to a running one until then. */
async function discardSandbox({ microsandbox, records }: SandboxHost, name: string): Promise<void> {
  await removeMicroVm(microsandbox, records.runtimeName(name));
  await records.remove(name);
}

/** Takes a name for a builder that is to be kept if a step fails. */
export async function reserveForBuilder(host: SandboxHost, name: string): Promise<SandboxReservation> {
  const { records, store } = host;
  const directory = await records.reserve(name);
  let isKept = false;
  return {
    name,
    runtimeName: records.runtimeName(name),
    keep: async ({ disk, operation, volumes }) => {
      const path = join(directory, "disk.qcow2");
      // The builder has the file open and follows it. Both folders are equally deep, so that the backing
      // file's relative path stays true.
      await rename(disk.path, path);
      await store.holdBase(disk, { kind: "file", path });
      await holdVolumes(host, name, volumes);
      await records.write({
        name,
        runtimeName: records.runtimeName(name),
        snapshot: null,
        createdAt: new Date().toISOString(),
        ports: [],
        configuration: stepConfiguration(operation),
        isEphemeral: false,
      });
      isKept = true;
    },
    release: async () => {
      if (!isKept) await records.remove(name);
    },
  };
}

/** A kept builder's shell starts as its failed step did. */
function stepConfiguration(operation: StepOperation): SandboxConfiguration {
  if (operation.kind !== "run") return emptyConfiguration;
  const { environment, workingDirectory, user } = operation;
  return { ...emptyConfiguration, environment, workingDirectory, user };
}

function describeSandbox(record: SandboxRecord, status: SandboxDescription["status"]): SandboxDescription {
  const { name, snapshot, createdAt, ports, configuration } = record;
  return { name, status, snapshot, createdAt, ports, configuration };
}
